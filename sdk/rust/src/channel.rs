use crate::{broadcast, Conn, Message, Result, Room, User};

/// The logic of a channel. Every hook is atomic: its effects (sends, joins, writes and so on) happen if it returns
/// `Ok`. If it returns an error or panics, none of them happens.
///
/// The hooks that cost a call per event are traits of their own: [`OnTimer`], [`OnPresence`], [`OnPublish`],
/// [`OnPing`] and [`OnPong`]. A channel implements those that it needs, and names them in
/// [`register!`](crate::register).
pub trait Channel {
    /// Receives the config of the route as JSON, `{}` if there is none. It runs once in every new instance, before
    /// the first event. Its effects happen in the first instance of a version only. If it returns an error, the
    /// host refuses the plugin or the new version.
    fn on_load(&mut self, _config: &str) -> Result {
        Ok(())
    }

    /// Decides about a connection before it is upgraded. `Ok` accepts it. The errors of [`refuse`](crate::refuse) and
    /// [`refuse_close`](crate::refuse_close) refuse it. The target is the path and the query, as the client sent
    /// them. Messages to the connection are sent after the upgrade.
    fn on_connect(&mut self, _conn: Conn, _target: &str) -> Result {
        Ok(())
    }

    /// Handles a message.
    fn on_message(&mut self, _conn: Conn, _message: Message) -> Result {
        Ok(())
    }

    /// Runs exactly once for every accepted connection, whatever ended it. The code is 1006 if the connection ended
    /// without one. The connection has left its rooms. [`Conn::rooms`] and [`Conn::user`] still return its last
    /// rooms and user.
    fn on_close(&mut self, _conn: Conn, _code: u16, _reason: &str) -> Result {
        Ok(())
    }
}

/// A channel that sets timers.
pub trait OnTimer {
    /// Runs when a timer is due. `conn` is `None` for a timer of the channel.
    fn on_timer(&mut self, conn: Option<Conn>, name: &str) -> Result;
}

/// A channel that follows the presence of users.
pub trait OnPresence {
    /// Runs when a user became present in a room (`joined` is true) or stopped being present. The room is empty for
    /// the channel. A user stops being present when the grace of the route has passed since the last connection
    /// closed.
    fn on_presence(&mut self, room: &str, user: &str, joined: bool) -> Result;
}

/// The target of a publication.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Target<'a> {
    /// The members of a room.
    Room(&'a str),
    /// The connections of a user.
    User(&'a str),
    /// All connections of the channel.
    All,
}

impl Target<'_> {
    /// Sends a message to the target.
    pub fn send<'a>(self, message: impl Into<Message<'a>>) -> Result {
        match self {
            Target::Room(name) => Room(name).broadcast(message),
            Target::User(name) => User(name).send(message),
            Target::All => broadcast(message),
        }
    }
}

/// A channel that handles publications: messages that are published by the HTTP API, the command, or the program that
/// embeds the host. The host does not deliver such a message. The channel sends it, for example with [`Target::send`].
pub trait OnPublish {
    /// Handles a published message. The error of [`refuse`](crate::refuse) refuses it with an HTTP status.
    fn on_publish(&mut self, target: Target, message: Message) -> Result;
}

/// A channel that receives pings. The host answers them.
pub trait OnPing {
    /// Receives the payload of a ping.
    fn on_ping(&mut self, conn: Conn, payload: &[u8]) -> Result;
}

/// A channel that receives pongs.
pub trait OnPong {
    /// Receives the payload of a pong.
    fn on_pong(&mut self, conn: Conn, payload: &[u8]) -> Result;
}
