use crate::{broadcast, Conn, Message, Result, Room, User};

/// The logic of a channel. Every hook is atomic: what it asks for happens if it
/// returns `Ok`, and not at all if it returns an error or panics.
///
/// A channel has the hooks below. Those that cost a call per event are traits of
/// their own, [`OnTimer`], [`OnPresence`], [`OnPublish`], [`OnPing`] and
/// [`OnPong`], and are named in [`register!`](crate::register) as well.
pub trait Channel {
    /// Gets the config of the route as JSON, `{}` where there is none. It runs
    /// once in every new instance, before its first event; what it asks for takes
    /// effect in the first instance of a version only. An error refuses the
    /// plugin, or the new version of it.
    fn on_load(&mut self, _config: &str) -> Result {
        Ok(())
    }

    /// Decides about a connection before it is upgraded. `Ok` accepts it;
    /// [`refuse`](crate::refuse) and [`refuse_close`](crate::refuse_close) make
    /// other answers. The target is path and query as the client sent them. What
    /// is sent goes out after the upgrade.
    fn on_connect(&mut self, _conn: Conn, _target: &str) -> Result {
        Ok(())
    }

    /// Handles a message.
    fn on_message(&mut self, _conn: Conn, _message: Message) -> Result {
        Ok(())
    }

    /// Is called exactly once for every accepted connection, whatever ended it.
    /// The code is 1006 where there was none. The connection has left its rooms
    /// already, but its `rooms` and `user` still tell where and who it was.
    fn on_close(&mut self, _conn: Conn, _code: u16, _reason: &str) -> Result {
        Ok(())
    }
}

/// A channel that sets timers.
pub trait OnTimer {
    /// Is called when a timer is due; `conn` is `None` for one of the channel.
    fn on_timer(&mut self, conn: Option<Conn>, name: &str) -> Result;
}

/// A channel that wants to know who comes and goes.
pub trait OnPresence {
    /// Is called when a user became present in a room, or stopped being so; the
    /// room is empty for the channel. A user leaves when the grace of the route
    /// has passed since its last connection went.
    fn on_presence(&mut self, room: &str, user: &str, joined: bool) -> Result;
}

/// Whom a message is for that was published from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    Room(&'a str),
    User(&'a str),
    All,
}

impl Target<'_> {
    /// Sends a message to whom it is: lets it pass.
    pub fn send<'a>(self, message: impl Into<Message<'a>>) -> Result {
        match self {
            Target::Room(name) => Room(name).broadcast(message),
            Target::User(name) => User(name).send(message),
            Target::All => broadcast(message),
        }
    }
}

/// A channel that is in charge of what is published from outside: through the
/// HTTP API, the command line or the Go library. It broadcasts the message itself,
/// changed or routed elsewhere, or not at all.
pub trait OnPublish {
    /// Handles a published message. [`refuse`](crate::refuse) answers with an HTTP status.
    fn on_publish(&mut self, target: Target, message: Message) -> Result;
}

/// A channel that wants to see pings. The host has answered already.
pub trait OnPing {
    /// Gets the payload of a ping.
    fn on_ping(&mut self, conn: Conn, payload: &[u8]) -> Result;
}

/// A channel that wants to see pongs.
pub trait OnPong {
    /// Gets the payload of a pong.
    fn on_pong(&mut self, conn: Conn, payload: &[u8]) -> Result;
}
