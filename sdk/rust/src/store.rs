use crate::error::check;
use crate::get::{bytes, millis};
use crate::{raw, Result};
use std::time::Duration;

/// A key of the channel's store. All instances and all versions of the plugin
/// share the store; it outlives connections. A time to live is
/// `Duration::ZERO` for a value without end.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Key<'a>(pub &'a str);

impl Key<'_> {
    /// Gives the value.
    pub fn get(self) -> Result<Vec<u8>> {
        bytes(|p, n| unsafe { raw::store_get(self.0.as_ptr(), self.0.len(), p, n) })
    }

    /// Keeps a value for so long.
    pub fn set(self, value: impl AsRef<[u8]>, ttl: Duration) -> Result {
        let v = value.as_ref();
        check(unsafe { raw::store_set(self.0.as_ptr(), self.0.len(), v.as_ptr(), v.len(), millis(ttl)) }).map(drop)
    }

    /// Forgets the value.
    pub fn delete(self) -> Result {
        check(unsafe { raw::store_delete(self.0.as_ptr(), self.0.len()) }).map(drop)
    }

    /// Adds to a number, from 0 where there is none, and gives the sum. The value
    /// is kept in decimal. The time to live counts from the creation.
    pub fn add(self, delta: i64, ttl: Duration) -> Result<i64> {
        let mut sum = 0;
        check(unsafe { raw::store_add(self.0.as_ptr(), self.0.len(), delta, millis(ttl), &mut sum) })?;
        Ok(sum)
    }
}
