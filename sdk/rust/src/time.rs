use crate::error::check;
use crate::get::millis;
use crate::{raw, Result};
use std::time::{Duration, SystemTime};

/// The host's time. In tests it moves when the test says so.
pub fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_nanos(unsafe { raw::now() }.max(0) as u64)
}

/// Has `on_timer` called once, without a connection, so long from now. The
/// same name again sets it anew.
pub fn set_timer(name: &str, after: Duration) -> Result {
    check(unsafe { raw::timer_set(0, name.as_ptr(), name.len(), millis(after)) }).map(drop)
}

/// Clears a timer of the channel.
pub fn clear_timer(name: &str) -> Result {
    check(unsafe { raw::timer_clear(0, name.as_ptr(), name.len()) }).map(drop)
}
