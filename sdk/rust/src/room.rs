use crate::error::check;
use crate::get::{bytes, lines};
use crate::{raw, Conn, Message, Result};

/// A room of the channel, known by its name. It exists as long as it has members. Rooms of different routes are
/// independent, even with the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Room<'a>(pub &'a str);

impl Room<'_> {
    /// Sends a message to every member of the room.
    pub fn broadcast<'a>(self, message: impl Into<Message<'a>>) -> Result {
        self.send(0, message.into())
    }

    /// Sends a message to every member of the room except one.
    pub fn broadcast_except<'a>(self, message: impl Into<Message<'a>>, except: Conn) -> Result {
        self.send(except.0, message.into())
    }

    /// Sends a message to every member except one connection; 0 excludes none.
    fn send(self, except: u64, m: Message) -> Result {
        let room = self.0;
        check(unsafe {
            raw::broadcast(room.as_ptr(), room.len(), m.kind as i32, m.data.as_ptr(), m.data.len(), except)
        })
        .map(drop)
    }

    /// Returns the number of connections in the room.
    pub fn size(self) -> Result<usize> {
        check(unsafe { raw::room_size(self.0.as_ptr(), self.0.len()) }).map(|n| n as usize)
    }

    /// Returns the connections in the room.
    pub fn members(self) -> Result<Vec<Conn>> {
        let ids = bytes(|p, n| unsafe { raw::room_members(self.0.as_ptr(), self.0.len(), p, n) })?;
        Ok(ids
            .chunks_exact(8)
            .map(|id| Conn(u64::from_le_bytes([id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]])))
            .collect())
    }

    /// Returns the users present in the room, sorted.
    pub fn users(self) -> Result<Vec<String>> {
        lines(|p, n| unsafe { raw::room_users(self.0.as_ptr(), self.0.len(), p, n) })
    }
}

/// Sends a message to every connection of the channel.
pub fn broadcast<'a>(message: impl Into<Message<'a>>) -> Result {
    send_all(0, message.into())
}

/// Sends a message to every connection of the channel except one.
pub fn broadcast_except<'a>(message: impl Into<Message<'a>>, except: Conn) -> Result {
    send_all(except.0, message.into())
}

/// Sends a message to every connection except one; 0 excludes none.
fn send_all(except: u64, m: Message) -> Result {
    check(unsafe { raw::broadcast_all(m.kind as i32, m.data.as_ptr(), m.data.len(), except) }).map(drop)
}

/// A user of the channel, known by the name that [`Conn::identify`] set.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct User<'a>(pub &'a str);

impl User<'_> {
    /// Sends a message to every connection of the user. Does nothing if there is none.
    pub fn send<'a>(self, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        check(unsafe { raw::send_user(self.0.as_ptr(), self.0.len(), m.kind as i32, m.data.as_ptr(), m.data.len()) })
            .map(drop)
    }

    /// Returns true if the user is present in the channel: connected, or within the grace of the route after the last
    /// connection has closed.
    pub fn online(self) -> Result<bool> {
        check(unsafe { raw::online(self.0.as_ptr(), self.0.len()) }).map(|n| n == 1)
    }
}

/// Sends a message to every connection of several users.
pub fn send_users<'a>(users: &[impl AsRef<str>], message: impl Into<Message<'a>>) -> Result {
    if users.is_empty() {
        return Ok(());
    }
    if users.iter().any(|u| u.as_ref().is_empty() || u.as_ref().contains('\n')) {
        return Err(crate::Error::Invalid);
    }
    let names = users.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("\n");
    let m = message.into();
    check(unsafe { raw::send_users(names.as_ptr(), names.len(), m.kind as i32, m.data.as_ptr(), m.data.len()) })
        .map(drop)
}

/// Returns the users present in the channel, sorted.
pub fn users() -> Result<Vec<String>> {
    lines(|p, n| unsafe { raw::users(p, n) })
}
