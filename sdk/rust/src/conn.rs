use crate::error::check;
use crate::get::{bytes, lines, millis, string};
use crate::{raw, Message, Result};
use std::time::Duration;

/// A connection of the channel, known by its id. It can be copied, kept and compared. After the connection has closed,
/// methods return [`Error::NotFound`](crate::Error::NotFound). Ids are not reused.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Conn(pub u64);

impl Conn {
    /// Sends a message to the connection.
    pub fn send<'a>(self, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        check(unsafe { raw::send(self.0, m.kind as i32, m.data.as_ptr(), m.data.len()) }).map(drop)
    }

    /// Closes the connection after the messages that were sent to it before. The code is 1000, 1001, 1003, 1007 to
    /// 1013, or 3000 to 4999. The reason is at most 123 bytes.
    pub fn close(self, code: u16, reason: &str) -> Result {
        check(unsafe { raw::close(self.0, i32::from(code), reason.as_ptr(), reason.len()) }).map(drop)
    }

    /// Makes the connection a member of a room. A room exists as long as it has members. Does nothing if the
    /// connection is a member already.
    pub fn join(self, room: &str) -> Result {
        check(unsafe { raw::join(self.0, room.as_ptr(), room.len()) }).map(drop)
    }

    /// Ends the membership in a room. Does nothing if the connection is not a member. A connection that closes leaves
    /// its rooms.
    pub fn leave(self, room: &str) -> Result {
        check(unsafe { raw::leave(self.0, room.as_ptr(), room.len()) }).map(drop)
    }

    /// Returns the rooms of the connection, in the order of joining.
    pub fn rooms(self) -> Result<Vec<String>> {
        lines(|p, n| unsafe { raw::rooms(self.0, p, n) })
    }

    /// Sets the user of the connection. An empty name removes it. The host does not verify the user, so the plugin
    /// must.
    pub fn identify(self, user: &str) -> Result {
        check(unsafe { raw::identify(self.0, user.as_ptr(), user.len()) }).map(drop)
    }

    /// Returns the user of the connection: empty if it has none.
    pub fn user(self) -> Result<String> {
        string(|p, n| unsafe { raw::user(self.0, p, n) })
    }

    /// Returns a parameter of the path: the path `/rooms/:room_id` has the parameter `room_id`.
    pub fn param(self, name: &str) -> Result<String> {
        string(|p, n| unsafe { raw::param(self.0, name.as_ptr(), name.len(), p, n) })
    }

    /// Returns the first query parameter of this name, decoded. Outside of `on_connect` it returns
    /// [`Error::State`](crate::Error::State).
    pub fn query(self, name: &str) -> Result<String> {
        string(|p, n| unsafe { raw::query(self.0, name.as_ptr(), name.len(), p, n) })
    }

    /// Returns a header of the request. The values of a repeated header are joined by `, `. Outside of `on_connect` it
    /// returns [`Error::State`](crate::Error::State).
    pub fn header(self, name: &str) -> Result<String> {
        string(|p, n| unsafe { raw::header(self.0, name.as_ptr(), name.len(), p, n) })
    }

    /// Returns the IP address of the client, without the port.
    pub fn remote_addr(self) -> Result<String> {
        string(|p, n| unsafe { raw::remote_addr(self.0, p, n) })
    }

    /// Returns the agreed subprotocol: empty if there is none.
    pub fn subprotocol(self) -> Result<String> {
        string(|p, n| unsafe { raw::subprotocol(self.0, p, n) })
    }

    /// Returns the claims of the connection's verified token, as JSON. Without a token it returns
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub fn claims(self) -> Result<String> {
        string(|p, n| unsafe { raw::claims(self.0, p, n) })
    }

    /// Returns the value that [`set_value`](Conn::set_value) has set, or
    /// [`Error::NotFound`](crate::Error::NotFound).
    pub fn value(self, key: &str) -> Result<Vec<u8>> {
        bytes(|p, n| unsafe { raw::value_get(self.0, key.as_ptr(), key.len(), p, n) })
    }

    /// Sets a value of the connection, for the life of the connection. The host keeps it: all instances and versions
    /// of the plugin share it.
    pub fn set_value(self, key: &str, value: impl AsRef<[u8]>) -> Result {
        let v = value.as_ref();
        check(unsafe { raw::value_set(self.0, key.as_ptr(), key.len(), v.as_ptr(), v.len()) }).map(drop)
    }

    /// Deletes a value. Returns [`Error::NotFound`](crate::Error::NotFound) if there is none.
    pub fn delete_value(self, key: &str) -> Result {
        check(unsafe { raw::value_delete(self.0, key.as_ptr(), key.len()) }).map(drop)
    }

    /// Sets a timer: the host calls `on_timer` once with this connection and the name, when the time `after` has
    /// passed, rounded up to milliseconds. A timer with the same name is replaced. The timer ends with the connection.
    pub fn set_timer(self, name: &str, after: Duration) -> Result {
        check(unsafe { raw::timer_set(self.0, name.as_ptr(), name.len(), millis(after)) }).map(drop)
    }

    /// Clears a timer. Returns [`Error::NotFound`](crate::Error::NotFound) if there is none.
    pub fn clear_timer(self, name: &str) -> Result {
        check(unsafe { raw::timer_clear(self.0, name.as_ptr(), name.len()) }).map(drop)
    }
}
