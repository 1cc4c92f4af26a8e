use crate::error::check;
use crate::get::{bytes, millis};
use crate::{raw, Result};
use std::time::Duration;

/// A key of the channel's store. All instances and versions of the plugin share the store. It outlives connections. A
/// value expires after its time to live, rounded up to milliseconds; `Duration::ZERO` is without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key<'a>(pub &'a str);

impl Key<'_> {
    /// Returns the value, or [`Error::NotFound`](crate::Error::NotFound).
    pub fn get(self) -> Result<Vec<u8>> {
        bytes(|p, n| unsafe { raw::store_get(self.0.as_ptr(), self.0.len(), p, n) })
    }

    /// Sets the value.
    pub fn set(self, value: impl AsRef<[u8]>, ttl: Duration) -> Result {
        let v = value.as_ref();
        check(unsafe { raw::store_set(self.0.as_ptr(), self.0.len(), v.as_ptr(), v.len(), millis(ttl)) }).map(drop)
    }

    /// Deletes the value. Returns [`Error::NotFound`](crate::Error::NotFound) if there is none.
    pub fn delete(self) -> Result {
        check(unsafe { raw::store_delete(self.0.as_ptr(), self.0.len()) }).map(drop)
    }

    /// Adds `delta` to the value, a decimal number, and returns the sum. A key without a value counts as 0. The time to
    /// live counts from the creation of the value.
    pub fn add(self, delta: i64, ttl: Duration) -> Result<i64> {
        let mut sum = 0;
        check(unsafe { raw::store_add(self.0.as_ptr(), self.0.len(), delta, millis(ttl), &mut sum) })?;
        Ok(sum)
    }
}
