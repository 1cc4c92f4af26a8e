use crate::Conn;
use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};

/// What a host knows.
#[derive(Clone, Default)]
pub(crate) struct State {
    path: Vec<String>,
    last_id: u64,
    pub conns: BTreeMap<u64, Client>,
    pub closed: BTreeMap<u64, (u16, String)>,
    pub store: BTreeMap<String, Kept>,
    pub timers: BTreeMap<(u64, String), i64>,
    pub log: Vec<String>,
    pub now_ms: i64,
    pub connecting: bool,
    pub failed: Option<String>,
}

#[derive(Clone, Default)]
pub(crate) struct Client {
    pub params: BTreeMap<String, String>,
    pub query: BTreeMap<String, String>,
    pub headers: BTreeMap<String, String>,
    pub user: String,
    pub rooms: Vec<String>,
    pub left: bool,
    pub closing: bool,
    pub values: BTreeMap<String, Vec<u8>>,
    pub inbox: Vec<Vec<u8>>,
}

#[derive(Clone)]
pub(crate) struct Kept {
    pub data: Vec<u8>,
    pub until: i64,
}

thread_local!(static STATE: RefCell<State> = RefCell::default());

pub(crate) fn with<R>(f: impl FnOnce(&mut State) -> R) -> R {
    STATE.with(|s| f(&mut s.borrow_mut()))
}

impl State {
    pub fn new(path: &str) -> State {
        State { path: path.split('/').map(String::from).collect(), now_ms: 1_000_000, ..State::default() }
    }

    /// Goes back to before a hook; what it logged stays.
    pub fn undo(&mut self, before: State) {
        let log = std::mem::take(&mut self.log);
        *self = State { log, failed: None, ..before };
    }

    pub fn open(&mut self, target: &str, headers: &[(&str, &str)]) -> Conn {
        self.last_id += 1;
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let mut c = Client::default();
        for (pattern, part) in self.path.iter().zip(path.split('/')) {
            if let Some(name) = pattern.strip_prefix(':') {
                c.params.insert(name.into(), unescape(part));
            }
        }
        for (key, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            c.query.entry(unescape(key)).or_insert_with(|| unescape(value));
        }
        c.headers = headers.iter().map(|(k, v)| (k.to_lowercase(), v.to_string())).collect();
        self.conns.insert(self.last_id, c);
        self.connecting = true;
        Conn(self.last_id)
    }

    pub fn leave_all(&mut self, id: u64) {
        if let Some(c) = self.conns.get_mut(&id) {
            c.left = true;
        }
        self.timers.retain(|(conn, _), _| *conn != id);
    }

    pub fn next_closed(&self) -> Option<(u64, u16, String)> {
        let (id, _) = self.conns.iter().find(|(_, c)| c.closing)?;
        let (code, reason) = self.closed[id].clone();
        Some((*id, code, reason))
    }

    pub fn take(&mut self, id: u64) -> Vec<Vec<u8>> {
        self.conns.get_mut(&id).map(|c| std::mem::take(&mut c.inbox)).unwrap_or_default()
    }

    /// Takes the next timer that is due, and moves the time to it.
    pub fn due(&mut self, until: i64) -> Option<(u64, String)> {
        let (key, at) = self.timers.iter().filter(|(_, at)| **at <= until).min_by_key(|(_, at)| **at)?;
        let (key, at) = (key.clone(), *at);
        self.timers.remove(&key);
        self.now_ms = self.now_ms.max(at);
        Some(key)
    }

    /// Sends to the connections that fit.
    pub fn deliver(&mut self, data: &[u8], to: impl Fn(u64, &Client) -> bool) {
        for (id, c) in &mut self.conns {
            if !c.closing && !c.left && to(*id, c) {
                c.inbox.push(data.to_vec());
            }
        }
    }

    pub fn members(&self, room: &str) -> Vec<u64> {
        self.conns.iter().filter(|(_, c)| c.is_in(room)).map(|(id, _)| *id).collect()
    }

    pub fn users(&self, of: impl Fn(&Client) -> bool) -> BTreeSet<String> {
        self.conns.values().filter(|c| !c.user.is_empty() && !c.left && of(c)).map(|c| c.user.clone()).collect()
    }

    pub fn kept(&self, key: &str) -> Option<&Kept> {
        self.store.get(key).filter(|k| k.until == 0 || k.until > self.now_ms)
    }
}

impl Client {
    pub fn is_in(&self, room: &str) -> bool {
        !self.left && self.rooms.iter().any(|r| r == room)
    }
}

fn unescape(text: &str) -> String {
    let (bytes, mut out, mut i) = (text.as_bytes(), Vec::new(), 0);
    while i < bytes.len() {
        let hex = text.get(i + 1..i + 3).and_then(|h| u8::from_str_radix(h, 16).ok());
        match (bytes[i], hex) {
            (b'%', Some(b)) => {
                out.push(b);
                i += 2;
            }
            (b'+', _) => out.push(b' '),
            (b, _) => out.push(b),
        }
        i += 1;
    }
    String::from_utf8_lossy(&out).into_owned()
}
