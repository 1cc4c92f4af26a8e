use crate::error::check;
use crate::Result;
use std::time::Duration;

/// The size in bytes of the first buffer for a getter. Most values fit, and need one call.
const FIRST: usize = 256;

/// Returns the value of a getter. It calls the getter again with a larger buffer if the value did not fit.
pub(crate) fn bytes(get: impl Fn(*mut u8, usize) -> i32) -> Result<Vec<u8>> {
    let mut buf = Vec::with_capacity(FIRST);
    loop {
        let n = check(get(buf.as_mut_ptr(), buf.capacity()))? as usize;
        if n <= buf.capacity() {
            // The host has written n bytes.
            unsafe { buf.set_len(n) };
            return Ok(buf);
        }
        buf.reserve_exact(n);
    }
}

/// Returns the value of a getter as a string. It is an error if the value is not UTF-8.
pub(crate) fn string(get: impl Fn(*mut u8, usize) -> i32) -> Result<String> {
    String::from_utf8(bytes(get)?).map_err(|e| e.utf8_error().into())
}

/// Returns the names of a list that a getter has joined by newlines.
pub(crate) fn lines(get: impl Fn(*mut u8, usize) -> i32) -> Result<Vec<String>> {
    let text = string(get)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Ok(text.split('\n').map(String::from).collect())
}

/// Converts a duration to milliseconds. It rounds up, so that only a duration of 0 becomes 0.
pub(crate) fn millis(d: Duration) -> i64 {
    let rest = i64::from(d.subsec_nanos() % 1_000_000 != 0);
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX - 1) + rest
}
