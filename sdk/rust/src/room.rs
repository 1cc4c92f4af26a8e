use crate::error::check;
use crate::get::{bytes, lines};
use crate::{raw, Conn, Message, Result};

/// A room of the channel, by its name. Rooms of different routes have nothing
/// to do with each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Room<'a>(pub &'a str);

impl Room<'_> {
    /// Sends a message to every member of the room.
    pub fn broadcast<'a>(self, message: impl Into<Message<'a>>) -> Result {
        self.to_all_but(0, message.into())
    }

    /// Sends a message to every member of the room but one.
    pub fn broadcast_except<'a>(self, message: impl Into<Message<'a>>, except: Conn) -> Result {
        self.to_all_but(except.0, message.into())
    }

    fn to_all_but(self, except: u64, m: Message) -> Result {
        let room = self.0;
        check(unsafe { raw::broadcast(room.as_ptr(), room.len(), m.kind as i32, m.data.as_ptr(), m.data.len(), except) }).map(drop)
    }

    /// Counts the connections in the room.
    pub fn size(self) -> Result<usize> {
        check(unsafe { raw::room_size(self.0.as_ptr(), self.0.len()) }).map(|n| n as usize)
    }

    /// Lists the connections in the room.
    pub fn members(self) -> Result<Vec<Conn>> {
        let ids = bytes(|p, n| unsafe { raw::room_members(self.0.as_ptr(), self.0.len(), p, n) })?;
        Ok(ids.chunks_exact(8).map(|id| Conn(u64::from_le_bytes([id[0], id[1], id[2], id[3], id[4], id[5], id[6], id[7]]))).collect())
    }

    /// Lists the users present in the room, sorted.
    pub fn users(self) -> Result<Vec<String>> {
        lines(|p, n| unsafe { raw::room_users(self.0.as_ptr(), self.0.len(), p, n) })
    }
}

/// Sends a message to every connection of the channel.
pub fn broadcast<'a>(message: impl Into<Message<'a>>) -> Result {
    all_but(0, message.into())
}

/// Sends a message to every connection of the channel but one.
pub fn broadcast_except<'a>(message: impl Into<Message<'a>>, except: Conn) -> Result {
    all_but(except.0, message.into())
}

fn all_but(except: u64, m: Message) -> Result {
    check(unsafe { raw::broadcast_all(m.kind as i32, m.data.as_ptr(), m.data.len(), except) }).map(drop)
}

/// A user of the channel, by the name given to [`Conn::identify`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct User<'a>(pub &'a str);

impl User<'_> {
    /// Sends a message to every connection of the user. To a user that is not
    /// there it sends nothing, which is no error.
    pub fn send<'a>(self, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        check(unsafe { raw::send_user(self.0.as_ptr(), self.0.len(), m.kind as i32, m.data.as_ptr(), m.data.len()) }).map(drop)
    }

    /// Says whether the user is present in the channel: connected, or gone for
    /// less than the grace of the route.
    pub fn online(self) -> Result<bool> {
        check(unsafe { raw::online(self.0.as_ptr(), self.0.len()) }).map(|n| n == 1)
    }
}

/// Sends a message to every connection of some users.
pub fn send_users<'a>(users: &[impl AsRef<str>], message: impl Into<Message<'a>>) -> Result {
    if users.is_empty() {
        return Ok(());
    }
    if users.iter().any(|u| u.as_ref().is_empty() || u.as_ref().contains('\n')) {
        return Err(crate::Error::Invalid);
    }
    let names = users.iter().map(AsRef::as_ref).collect::<Vec<&str>>().join("\n");
    let m = message.into();
    check(unsafe { raw::send_users(names.as_ptr(), names.len(), m.kind as i32, m.data.as_ptr(), m.data.len()) }).map(drop)
}

/// Lists the users present in the channel, sorted.
pub fn users() -> Result<Vec<String>> {
    lines(|p, n| unsafe { raw::users(p, n) })
}
