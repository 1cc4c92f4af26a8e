use crate::error::check;
use crate::get::{bytes, lines, millis, string};
use crate::{raw, Message, Result};
use std::time::Duration;

/// A connection of the channel. It is an id: it can be copied, kept and
/// compared. Once the connection is gone its methods answer
/// [`Error::NotFound`](crate::Error::NotFound); ids are not used again.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub u64);

impl Conn {
    /// Sends a message to the connection.
    pub fn send<'a>(self, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        check(unsafe { raw::send(self.0, m.kind as i32, m.data.as_ptr(), m.data.len()) }).map(drop)
    }

    /// Closes the connection after what was sent to it before. The code is 1000,
    /// 1001, 1003, 1007 to 1013, or 3000 to 4999; the reason at most 123 bytes.
    pub fn close(self, code: u16, reason: &str) -> Result {
        check(unsafe { raw::close(self.0, i32::from(code), reason.as_ptr(), reason.len()) }).map(drop)
    }

    /// Makes the connection a member of a room. Rooms need not be made: one exists
    /// as long as it has members. Joining again does nothing.
    pub fn join(self, room: &str) -> Result {
        check(unsafe { raw::join(self.0, room.as_ptr(), room.len()) }).map(drop)
    }

    /// Ends the membership in a room. A connection that goes away leaves its
    /// rooms by itself.
    pub fn leave(self, room: &str) -> Result {
        check(unsafe { raw::leave(self.0, room.as_ptr(), room.len()) }).map(drop)
    }

    /// Lists the rooms of the connection, in the order of joining.
    pub fn rooms(self) -> Result<Vec<String>> {
        lines(|p, n| unsafe { raw::rooms(self.0, p, n) })
    }

    /// Says which user the connection belongs to; an empty name takes it back.
    /// Who the user is has to be proved to the plugin: the host believes it.
    pub fn identify(self, user: &str) -> Result {
        check(unsafe { raw::identify(self.0, user.as_ptr(), user.len()) }).map(drop)
    }

    /// Whom the connection belongs to; empty where it is nobody.
    pub fn user(self) -> Result<String> {
        string(|p, n| unsafe { raw::user(self.0, p, n) })
    }

    /// A parameter of the path: `/rooms/:room_id` has `room_id`.
    pub fn param(self, name: &str) -> Result<String> {
        string(|p, n| unsafe { raw::param(self.0, name.as_ptr(), name.len(), p, n) })
    }

    /// The first query parameter of this name, decoded; in `on_connect` only.
    pub fn query(self, name: &str) -> Result<String> {
        string(|p, n| unsafe { raw::query(self.0, name.as_ptr(), name.len(), p, n) })
    }

    /// A header of the request; in `on_connect` only. Several of the same name
    /// are joined by `, `.
    pub fn header(self, name: &str) -> Result<String> {
        string(|p, n| unsafe { raw::header(self.0, name.as_ptr(), name.len(), p, n) })
    }

    /// The client's IP address, without the port.
    pub fn remote_addr(self) -> Result<String> {
        string(|p, n| unsafe { raw::remote_addr(self.0, p, n) })
    }

    /// What client and host agreed on; empty where it is nothing.
    pub fn subprotocol(self) -> Result<String> {
        string(|p, n| unsafe { raw::subprotocol(self.0, p, n) })
    }

    /// The claims of the connection's verified token, as JSON.
    pub fn claims(self) -> Result<String> {
        string(|p, n| unsafe { raw::claims(self.0, p, n) })
    }

    /// What [`set_value`](Conn::set_value) keeps under a key.
    pub fn value(self, key: &str) -> Result<Vec<u8>> {
        bytes(|p, n| unsafe { raw::value_get(self.0, key.as_ptr(), key.len(), p, n) })
    }

    /// Keeps a value with the connection, for as long as it lives: in the host, so
    /// that every instance and every version of the plugin finds it.
    pub fn set_value(self, key: &str, value: impl AsRef<[u8]>) -> Result {
        let v = value.as_ref();
        check(unsafe { raw::value_set(self.0, key.as_ptr(), key.len(), v.as_ptr(), v.len()) }).map(drop)
    }

    /// Forgets a value.
    pub fn delete_value(self, key: &str) -> Result {
        check(unsafe { raw::value_delete(self.0, key.as_ptr(), key.len()) }).map(drop)
    }

    /// Has `on_timer` called once with this connection and the name, so long
    /// from now. The same name again sets it anew. It ends with the connection.
    pub fn set_timer(self, name: &str, after: Duration) -> Result {
        check(unsafe { raw::timer_set(self.0, name.as_ptr(), name.len(), millis(after)) }).map(drop)
    }

    /// Clears a timer.
    pub fn clear_timer(self, name: &str) -> Result {
        check(unsafe { raw::timer_clear(self.0, name.as_ptr(), name.len()) }).map(drop)
    }
}
