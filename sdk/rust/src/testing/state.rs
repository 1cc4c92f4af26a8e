//! The state of the fake host.

use crate::{Conn, Error, Kind, Level, Result};
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// The state of a host. A clone of it is the state to return to if a hook fails.
#[derive(Clone, Default)]
pub(crate) struct State {
    path: Vec<String>,
    last_id: u64,
    pub running: Running,
    pub now_ms: i64,
    pub log: Vec<(Level, String)>,

    pub conns: BTreeMap<u64, Client>,
    /// Close frames of hooks, by connection.
    pub closed: BTreeMap<u64, (u16, String)>,
    /// Messages that the test has not taken, by connection. They outlive the connection.
    pub inboxes: BTreeMap<u64, Vec<(Kind, Vec<u8>)>>,

    pub store: BTreeMap<String, Entry>,
    /// The times at which timers are due, by connection and name. The connection is 0 for a timer of
    /// the channel.
    pub timers: BTreeMap<(u64, String), i64>,
}

/// The hook that runs, if host functions have rules of their own for it.
#[derive(Clone, Copy, Default, PartialEq, Eq)]
pub(crate) enum Running {
    #[default]
    Other,
    /// `on_connect` of a connection.
    Connect(u64),
    Timer,
}

/// A connection.
#[derive(Clone, Default)]
pub(crate) struct Client {
    pub params: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    /// The names are in lower case.
    pub headers: BTreeMap<String, String>,
    pub subprotocol: String,
    pub user: String,
    /// In the order of joining.
    pub rooms: Vec<String>,
    pub values: BTreeMap<String, Vec<u8>>,
    /// A hook has closed the connection.
    pub closing: bool,
    /// The connection has left its rooms, and its `on_close` runs.
    pub left: bool,
}

/// A value in the store.
#[derive(Clone)]
pub(crate) struct Entry {
    pub data: Vec<u8>,
    /// The time at which it expires; 0: it does not expire.
    pub until_ms: i64,
}

thread_local!(static STATE: RefCell<State> = RefCell::default());

/// Calls a function with the state of this thread's host.
pub(crate) fn with<R>(f: impl FnOnce(&mut State) -> R) -> R {
    STATE.with(|s| f(&mut s.borrow_mut()))
}

impl State {
    pub fn new(path: &str) -> State {
        State { path: path.split('/').map(String::from).collect(), now_ms: 1_000_000, ..State::default() }
    }

    /// Returns to the state before a hook. The lines that the hook has logged stay.
    pub fn roll_back(&mut self, before: State) {
        let log = std::mem::take(&mut self.log);
        *self = State { log, ..before };
    }

    /// Adds a connection whose `on_connect` has not run.
    pub fn open(&mut self, target: &str, headers: &[(&str, &str)]) -> Result<Conn> {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut c = Client { params: self.match_path(path)?, ..Client::default() };
        for part in query.split('&').filter(|part| !part.is_empty()) {
            let (name, value) = part.split_once('=').unwrap_or((part, ""));
            c.query.entry(decode(name, true)).or_insert_with(|| decode(value, true));
        }
        for (name, value) in headers {
            let joined = c.headers.entry(name.to_lowercase()).or_default();
            if !joined.is_empty() {
                joined.push_str(", ");
            }
            joined.push_str(value);
        }
        let protocols = c.headers.get("sec-websocket-protocol").map(String::as_str).unwrap_or_default();
        c.subprotocol = protocols.split(',').next().unwrap_or_default().trim().to_string();
        self.last_id += 1;
        self.conns.insert(self.last_id, c);
        Ok(Conn(self.last_id))
    }

    /// Returns the parameters of a path. A host answers other paths with the status 404.
    fn match_path(&self, path: &str) -> Result<BTreeMap<String, String>> {
        let mut params = BTreeMap::new();
        if self.path.iter().all(String::is_empty) {
            return Ok(params);
        }
        let parts = path.split('/').collect::<Vec<_>>();
        if parts.len() != self.path.len() {
            return Err(Error::Refused(404));
        }
        for (pattern, part) in self.path.iter().zip(parts) {
            match pattern.strip_prefix(':') {
                Some(name) if !part.is_empty() => {
                    params.insert(name.to_string(), decode(part, false));
                }
                _ if pattern == part => {}
                _ => return Err(Error::Refused(404)),
            }
        }
        Ok(params)
    }

    /// Takes a connection out of its rooms and clears its timers, before `on_close`.
    pub fn leave_all(&mut self, id: u64) {
        if let Some(c) = self.conns.get_mut(&id) {
            c.left = true;
        }
        self.timers.retain(|(conn, _), _| *conn != id);
    }

    /// Removes a connection after `on_close`.
    pub fn remove(&mut self, id: u64) {
        self.conns.remove(&id);
        self.timers.retain(|(conn, _), _| *conn != id);
    }

    /// Returns a connection that a hook has closed, with its close frame.
    pub fn next_closed(&self) -> Option<(Conn, u16, String)> {
        let (id, _) = self.conns.iter().find(|(_, c)| c.closing)?;
        let (code, reason) = self.closed[id].clone();
        Some((Conn(*id), code, reason))
    }

    /// Takes the next timer that is due at `until`, and advances the time to it.
    pub fn take_due(&mut self, until: i64) -> Option<(u64, String)> {
        let (key, at) = self.timers.iter().filter(|(_, at)| **at <= until).min_by_key(|(_, at)| **at)?;
        let (key, at) = (key.clone(), *at);
        self.timers.remove(&key);
        self.now_ms = self.now_ms.max(at);
        Some(key)
    }

    /// Sends a message to the open connections for which `to` is true.
    pub fn deliver(&mut self, message: &(Kind, Vec<u8>), to: impl Fn(u64, &Client) -> bool) {
        for (id, c) in &self.conns {
            if !c.closing && !c.left && to(*id, c) {
                self.inboxes.entry(*id).or_default().push(message.clone());
            }
        }
    }

    /// Returns the connections in a room, sorted.
    pub fn members(&self, room: &str) -> Vec<u64> {
        self.conns.iter().filter(|(_, c)| c.is_in(room)).map(|(id, _)| *id).collect()
    }

    /// Returns the users of the connections for which `of` is true, sorted.
    pub fn users(&self, of: impl Fn(&Client) -> bool) -> BTreeSet<String> {
        self.conns.values().filter(|c| !c.user.is_empty() && !c.left && of(c)).map(|c| c.user.clone()).collect()
    }

    /// Returns a value of the store that has not expired.
    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.store.get(key).filter(|e| e.until_ms == 0 || e.until_ms > self.now_ms)
    }

    /// Returns the time at which a value expires, 0 if its time to live is 0.
    pub fn expiry(&self, ttl_ms: i64) -> i64 {
        if ttl_ms == 0 {
            return 0;
        }
        self.now_ms.saturating_add(ttl_ms)
    }
}

impl Client {
    pub fn is_in(&self, room: &str) -> bool {
        !self.left && self.rooms.iter().any(|r| r == room)
    }
}

/// Decodes percent-encoded bytes, and `+` as a space in a query. An escape that is not one stays as
/// it is, as in browsers.
fn decode(text: &str, query: bool) -> String {
    let (bytes, mut out, mut i) = (text.as_bytes(), Vec::new(), 0);
    while i < bytes.len() {
        let hex = text.get(i + 1..i + 3).filter(|h| h.bytes().all(|b| b.is_ascii_hexdigit()));
        match (bytes[i], hex.and_then(|h| u8::from_str_radix(h, 16).ok())) {
            (b'%', Some(b)) => {
                out.push(b);
                i += 2;
            }
            (b'+', _) if query => out.push(b' '),
            (b, _) => out.push(b),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
