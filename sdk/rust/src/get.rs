use crate::error::check;
use crate::Result;
use std::time::Duration;

/// Most of what a getter has fits here, and needs one call.
const FIRST: usize = 256;

/// Gives what a getter has. It asks again with a larger buffer if the host says so.
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

/// Gives what a getter of text has. The host has checked that it is UTF-8 where
/// it is a name; what else is not is an error.
pub(crate) fn string(get: impl Fn(*mut u8, usize) -> i32) -> Result<String> {
    String::from_utf8(bytes(get)?).map_err(|e| e.utf8_error().into())
}

/// Gives the names that a getter lists, one a line.
pub(crate) fn lines(get: impl Fn(*mut u8, usize) -> i32) -> Result<Vec<String>> {
    let text = string(get)?;
    if text.is_empty() {
        return Ok(Vec::new());
    }
    Ok(text.split('\n').map(String::from).collect())
}

/// Rounds up, so that a short time is not none.
pub(crate) fn millis(d: Duration) -> i64 {
    let rest = i64::from(d.subsec_nanos() % 1_000_000 != 0);
    i64::try_from(d.as_millis()).unwrap_or(i64::MAX - 1) + rest
}
