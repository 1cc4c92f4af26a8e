use crate::error::check;
use crate::get::millis;
use crate::{raw, Result};
use std::time::{Duration, SystemTime};

/// Returns the time of the host. On the fake host of tests, only the test advances it.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(unsafe { raw::now() }.max(0) as u64)
}

/// Sets a timer of the channel: the host calls `on_timer` once without a connection, when the time `after` has passed,
/// rounded up to milliseconds. A timer with the same name is replaced.
pub fn set_timer(name: &str, after: Duration) -> Result {
    check(unsafe { raw::timer_set(0, name.as_ptr(), name.len(), millis(after)) }).map(drop)
}

/// Clears a timer of the channel. Returns [`Error::NotFound`](crate::Error::NotFound) if there is none.
pub fn clear_timer(name: &str) -> Result {
    check(unsafe { raw::timer_clear(0, name.as_ptr(), name.len()) }).map(drop)
}
