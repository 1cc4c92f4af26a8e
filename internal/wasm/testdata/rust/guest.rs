// A guest for tests: collections, sorting and formatting.
use std::collections::BTreeMap;

#[no_mangle]
pub extern "C" fn run(n: u32) -> u32 {
    let mut map = BTreeMap::new();
    let mut x = 1u32;
    for i in 0..n {
        x = x.wrapping_mul(1664525).wrapping_add(1013904223);
        map.entry(x % 97).or_insert_with(Vec::new).push(format!("{}-{:x}", i, x));
    }
    let mut all: Vec<String> = map.into_values().flatten().collect();
    all.sort();
    all.concat().bytes().fold(7, |h: u32, b| h.wrapping_mul(31).wrapping_add(b as u32))
}
