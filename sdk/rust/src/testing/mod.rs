//! A fake host for tests. It runs a channel natively, without a socket.
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
//! Hooks are atomic, also if the channel panics. Time stands still until [`Host::advance`]. The
//! fake host has no limits, keeps no metrics, verifies no tokens and sends no pings, and it runs
//! `on_presence` only for [`Host::presence`].

pub(crate) mod raw;
mod state;

use crate::{Channel, Conn, Kind, Level, Message, OnPing, OnPong, OnPresence, OnPublish, OnTimer, Result, Target};
use state::{with, Running, State};
use std::panic::{catch_unwind, resume_unwind, AssertUnwindSafe};
use std::time::Duration;

/// A host with one channel. A thread has one host at a time: a new one replaces the last.
pub struct Host<T> {
    /// The channel. Tests may read and change it.
    pub channel: T,
}

impl<T: Channel> Host<T> {
    /// Starts the channel for any path, with an empty config.
    ///
    /// # Panics
    ///
    /// If `on_load` fails.
    pub fn new(channel: T) -> Host<T> {
        Host::with_config(channel, "/", "{}").unwrap()
    }

    /// Starts the channel at a path such as `/rooms/:room_id`, with a config as JSON. The path `/`
    /// accepts any path. The error is that of `on_load`.
    pub fn with_config(channel: T, path: &str, config: &str) -> Result<Host<T>> {
        with(|s| *s = State::new(path));
        let mut host = Host { channel };
        host.hook(Running::Other, |c| c.on_load(config))?;
        host.end_closed();
        Ok(host)
    }

    /// Runs a hook. If it fails or panics, it has no effects.
    fn hook(&mut self, running: Running, f: impl FnOnce(&mut T) -> Result) -> Result {
        self.catch_hook(running, f).unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Does the same as `hook`, and returns a panic as an error.
    fn catch_hook(&mut self, running: Running, f: impl FnOnce(&mut T) -> Result) -> std::thread::Result<Result> {
        let before = with(|s| s.clone());
        with(|s| s.running = running);
        let result = catch_unwind(AssertUnwindSafe(|| f(&mut self.channel)));
        with(|s| s.running = Running::Other);
        if !matches!(result, Ok(Ok(()))) {
            with(|s| s.roll_back(before));
        }
        result
    }

    /// Connects a client with a request target such as `/chat?name=alice`. The error is that of
    /// `on_connect`, or `Error::Refused(404)` if the path is not that of the channel.
    pub fn connect(&mut self, target: &str) -> Result<Conn> {
        self.connect_with(target, &[])
    }

    /// Connects a client with headers. The first value of `Sec-WebSocket-Protocol` becomes the
    /// subprotocol.
    pub fn connect_with(&mut self, target: &str, headers: &[(&str, &str)]) -> Result<Conn> {
        let conn = with(|s| s.open(target, headers))?;
        let result = self.catch_hook(Running::Connect(conn.0), |c| c.on_connect(conn, target));
        if !matches!(result, Ok(Ok(()))) {
            with(|s| s.conns.remove(&conn.0));
        }
        result.unwrap_or_else(|panic| resume_unwind(panic))?;
        self.end_closed();
        Ok(conn)
    }

    /// Sends a message from a client. The error is that of `on_message`; the client of a real host
    /// then gets a message with `INTERNAL_ERROR`.
    pub fn message<'a>(&mut self, conn: Conn, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        self.hook(Running::Other, |c| c.on_message(conn, m))?;
        self.end_closed();
        Ok(())
    }

    /// Closes a connection from the client's side. The error is that of `on_close`; the connection
    /// is closed in any case.
    pub fn close(&mut self, conn: Conn, code: u16, reason: &str) -> Result {
        let result = self.end(conn, code, reason);
        self.end_closed();
        result
    }

    /// Runs `on_close` and removes the connection.
    fn end(&mut self, conn: Conn, code: u16, reason: &str) -> Result {
        with(|s| s.leave_all(conn.0));
        let result = self.catch_hook(Running::Other, |c| c.on_close(conn, code, reason));
        with(|s| s.remove(conn.0));
        result.unwrap_or_else(|panic| resume_unwind(panic))
    }

    /// Runs `on_close` for the connections that hooks have closed.
    fn end_closed(&mut self) {
        while let Some((conn, code, reason)) = with(|s| s.next_closed()) {
            // An on_close that fails has no effects. The connection is removed in any case.
            let _ = self.end(conn, code, &reason);
        }
    }

    /// Takes the messages that a connection has received since the last call, as text. Bytes that
    /// are not UTF-8 are replaced.
    pub fn received(&mut self, conn: Conn) -> Vec<String> {
        let messages = self.received_messages(conn);
        messages.into_iter().map(|(_, data)| String::from_utf8_lossy(&data).into_owned()).collect()
    }

    /// Takes the messages that a connection has received since the last call, with their kinds.
    pub fn received_messages(&mut self, conn: Conn) -> Vec<(Kind, Vec<u8>)> {
        with(|s| s.inboxes.remove(&conn.0)).unwrap_or_default()
    }

    /// Returns the code and the reason with which a hook has closed a connection.
    pub fn closed(&self, conn: Conn) -> Option<(u16, String)> {
        with(|s| s.closed.get(&conn.0).cloned())
    }

    /// Takes the lines of the log.
    pub fn logged(&mut self) -> Vec<String> {
        self.logged_lines().into_iter().map(|(_, text)| text).collect()
    }

    /// Takes the lines of the log, with their levels.
    pub fn logged_lines(&mut self) -> Vec<(Level, String)> {
        with(|s| std::mem::take(&mut s.log))
    }
}

impl<T: Channel + OnTimer> Host<T> {
    /// Advances the time and runs the timers that are due, in order. The error is that of the first
    /// `on_timer` that fails; the other timers run in any case.
    pub fn advance(&mut self, time: Duration) -> Result {
        let until = with(|s| s.now_ms + time.as_millis() as i64);
        let mut result = Ok(());
        while let Some((conn, name)) = with(|s| s.take_due(until)) {
            let conn = if conn == 0 { None } else { Some(Conn(conn)) };
            result = result.and(self.hook(Running::Timer, |c| c.on_timer(conn, &name)));
            self.end_closed();
        }
        with(|s| s.now_ms = until);
        result
    }
}

impl<T: Channel + OnPresence> Host<T> {
    /// Runs `on_presence`. The fake host does not run it by itself.
    pub fn presence(&mut self, room: &str, user: &str, joined: bool) -> Result {
        self.hook(Running::Other, |c| c.on_presence(room, user, joined))?;
        self.end_closed();
        Ok(())
    }
}

impl<T: Channel + OnPublish> Host<T> {
    /// Publishes a message from outside. The error is that of `on_publish`.
    pub fn publish<'a>(&mut self, target: Target, message: impl Into<Message<'a>>) -> Result {
        let m = message.into();
        self.hook(Running::Other, |c| c.on_publish(target, m))?;
        self.end_closed();
        Ok(())
    }
}

impl<T: Channel + OnPing> Host<T> {
    /// Sends a ping from a client.
    pub fn ping(&mut self, conn: Conn, payload: &[u8]) -> Result {
        self.hook(Running::Other, |c| c.on_ping(conn, payload))?;
        self.end_closed();
        Ok(())
    }
}

impl<T: Channel + OnPong> Host<T> {
    /// Sends a pong from a client.
    pub fn pong(&mut self, conn: Conn, payload: &[u8]) -> Result {
        self.hook(Running::Other, |c| c.on_pong(conn, payload))?;
        self.end_closed();
        Ok(())
    }
}
