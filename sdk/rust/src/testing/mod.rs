//! A host for tests: it runs a channel natively, without a socket.
//!
//! ```
//! # use azuhost::{Channel, Conn, Message, Result};
//! # #[derive(Default)] struct Echo;
//! # impl Channel for Echo {
//! #     fn on_message(&mut self, conn: Conn, message: Message) -> Result { conn.send(message) }
//! # }
//! use azuhost::testing::Host;
//!
//! let mut host = Host::new(Echo::default());
//! let alice = host.connect("/echo").unwrap();
//! host.message(alice, "hello").unwrap();
//! assert_eq!(host.received(alice), ["hello"]);
//! ```
//!
//! Hooks are atomic here as well. Time stands still until a test calls
//! [`Host::advance`]. Limits, metrics and the host's own pings are not there.

pub(crate) mod raw;
mod state;

use crate::{Channel, Conn, Error, Message, OnPing, OnPresence, OnPublish, OnTimer, Result, Target};
use state::{with, State};
use std::time::Duration;

/// A host with one channel. Every thread has one at a time.
pub struct Host<T> {
    /// The channel, to look at.
    pub channel: T,
}

impl<T: Channel> Host<T> {
    /// Starts the channel at the path `/`, with an empty config. It panics if
    /// `on_load` fails.
    pub fn new(channel: T) -> Host<T> {
        Host::with_config(channel, "/", "{}").unwrap()
    }

    /// Starts the channel at a path such as `/rooms/:room_id`, with a config as JSON.
    pub fn with_config(channel: T, path: &str, config: &str) -> Result<Host<T>> {
        with(|s| *s = State::new(path));
        let mut host = Host { channel };
        host.hook(|c| c.on_load(config))?;
        Ok(host)
    }

    /// Runs a hook: what it asked for stays only if it succeeds.
    fn hook(&mut self, f: impl FnOnce(&mut T) -> Result) -> Result {
        let before = with(|s| s.clone());
        let mut result = f(&mut self.channel);
        if let (Ok(()), Some(text)) = (&result, with(|s| s.failed.take())) {
            result = Err(Error::Other(text));
        }
        if result.is_err() {
            with(|s| s.undo(before));
        }
        result
    }

    /// Connects with a request target such as `/chat?name=alice`.
    pub fn connect(&mut self, target: &str) -> Result<Conn> {
        self.connect_with(target, &[])
    }

    /// Connects with headers.
    pub fn connect_with(&mut self, target: &str, headers: &[(&str, &str)]) -> Result<Conn> {
        let conn = with(|s| s.open(target, headers));
        let result = self.hook(|c| c.on_connect(conn, target));
        with(|s| s.connecting = false);
        if result.is_err() {
            with(|s| s.conns.remove(&conn.0));
        }
        result.map(|()| self.end_closed(conn))
    }

    /// Has a client send a message. The error is why the hook failed.
    pub fn message<'a>(&mut self, conn: Conn, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        self.hook(|c| c.on_message(conn, m))?;
        self.end_closed(conn);
        Ok(())
    }

    /// Has a client close its connection.
    pub fn close(&mut self, conn: Conn, code: u16, reason: &str) -> Result {
        with(|s| s.leave_all(conn.0));
        let result = self.hook(|c| c.on_close(conn, code, reason));
        with(|s| s.conns.remove(&conn.0));
        result
    }

    /// Runs `on_close` for connections that a hook has closed.
    fn end_closed(&mut self, conn: Conn) -> Conn {
        while let Some((id, code, reason)) = with(|s| s.next_closed()) {
            // An error undoes what on_close asked for; the connection is gone all the same.
            let _ = self.close(Conn(id), code, &reason);
        }
        conn
    }

    /// Takes what a connection has been sent since the last call, as text.
    pub fn received(&mut self, conn: Conn) -> Vec<String> {
        with(|s| s.take(conn.0)).into_iter().map(|data| String::from_utf8_lossy(&data).into_owned()).collect()
    }

    /// How a hook has closed a connection: code and reason.
    pub fn closed(&self, conn: Conn) -> Option<(u16, String)> {
        with(|s| s.closed.get(&conn.0).cloned())
    }

    /// Takes the lines of the log.
    pub fn logged(&mut self) -> Vec<String> {
        with(|s| std::mem::take(&mut s.log))
    }
}

impl<T: Channel + OnTimer> Host<T> {
    /// Moves the time on, and runs the timers that are due.
    pub fn advance(&mut self, time: Duration) -> Result {
        let until = with(|s| s.now_ms + time.as_millis() as i64);
        while let Some((conn, name)) = with(|s| s.due(until)) {
            let conn = if conn == 0 { None } else { Some(Conn(conn)) };
            self.hook(|c| c.on_timer(conn, &name))?;
        }
        with(|s| s.now_ms = until);
        self.end_closed(Conn(0));
        Ok(())
    }
}

impl<T: Channel + OnPresence> Host<T> {
    /// Tells the channel that a user came or went. It is not told by itself.
    pub fn presence(&mut self, room: &str, user: &str, joined: bool) -> Result {
        self.hook(|c| c.on_presence(room, user, joined))
    }
}

impl<T: Channel + OnPublish> Host<T> {
    /// Publishes a message from outside.
    pub fn publish<'a>(&mut self, target: Target, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        self.hook(|c| c.on_publish(target, m))
    }
}

impl<T: Channel + OnPing> Host<T> {
    /// Has a client send a ping.
    pub fn ping(&mut self, conn: Conn, payload: &[u8]) -> Result {
        self.hook(|c| c.on_ping(conn, payload))
    }
}
