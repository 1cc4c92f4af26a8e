//! Chat is the ready-made plugin plugins/chat in Rust: clients subscribe to rooms, and receive their messages and
//! presence.

mod json;

use azuhost::{now, refuse, Channel, Conn, Error, Key, Message, OnPresence, Result, Room, User};
use json::{quote, Value};
use std::time::{Duration, SystemTime};

#[derive(Default)]
struct Chat;

/// The longest name of a user, in bytes.
const MAX_USER: usize = 64;

/// The longest list of users in an event. Longer lists are left out.
const MAX_LISTED: usize = 200;

impl Channel for Chat {
    /// Identifies the user by the query parameter name, or by a new guest name.
    fn on_connect(&mut self, conn: Conn, _target: &str) -> Result {
        let mut name = conn.query("name").unwrap_or_default().trim().to_string();
        if name.is_empty() {
            name = guest()?;
        }
        if name.len() > MAX_USER {
            return Err(refuse(400));
        }
        match conn.identify(&name) {
            Err(Error::Invalid) => Err(refuse(400)),
            result => result,
        }
    }

    fn on_message(&mut self, conn: Conn, message: Message) -> Result {
        let msg = match message.as_str().ok().filter(|_| message.is_text()).and_then(json::parse) {
            Some(msg @ Value::Object(_)) => msg,
            _ => return error(conn, "INVALID_JSON"),
        };
        let room = msg.get("room").str();
        match msg.get("type").str() {
            "subscribe" => subscribe(conn, room),
            "unsubscribe" => unsubscribe(conn, room),
            "message" => broadcast_message(conn, room, msg.get("text")),
            "ping" => conn.send(r#"{"type":"pong"}"#),
            _ => error(conn, "UNKNOWN_TYPE"),
        }
    }
}

impl OnPresence for Chat {
    /// Reports to a room that a user joined or left.
    fn on_presence(&mut self, room: &str, user: &str, joined: bool) -> Result {
        if room.is_empty() {
            return Ok(());
        }
        let event = if joined { "join" } else { "leave" };
        let reply = Reply::new("presence").str("room", room).str("event", event).str("user", user);
        Room(room).broadcast(&reply.users(&Room(room).users()?).end())
    }
}

/// Returns a guest name that no present user has.
fn guest() -> Result<String> {
    loop {
        let name = format!("guest-{}", Key("guests").add(1, Duration::ZERO)?);
        if !User(&name).online()? {
            return Ok(name);
        }
    }
}

fn subscribe(conn: Conn, room: &str) -> Result {
    if let Err(e) = conn.join(room) {
        return refused(conn, e);
    }
    conn.send(&Reply::new("subscribed").str("room", room).users(&Room(room).users()?).end())
}

fn unsubscribe(conn: Conn, room: &str) -> Result {
    if let Err(e) = conn.leave(room) {
        return refused(conn, e);
    }
    conn.send(&Reply::new("unsubscribed").str("room", room).end())
}

/// Sends a text to a room: by default to the last one that the client subscribed to.
fn broadcast_message(conn: Conn, room: &str, text: &Value) -> Result {
    let text = match text {
        Value::String(text) => text,
        _ => return error(conn, "INVALID_MESSAGE"),
    };
    let rooms = conn.rooms()?;
    let room = if room.is_empty() { rooms.last().map_or("", String::as_str) } else { room };
    if !rooms.iter().any(|r| r == room) {
        return error(conn, "NOT_SUBSCRIBED");
    }
    let at = now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis();
    let reply = Reply::new("message").str("room", room).str("user", &conn.user()?).str("text", text);
    Room(room).broadcast(&reply.raw("at", &at.to_string()).end())
}

fn error(conn: Conn, code: &str) -> Result {
    conn.send(&Reply::new("error").str("code", code).end())
}

/// Reports a refused name or a reached limit to the client. Other errors fail the hook.
fn refused(conn: Conn, e: Error) -> Result {
    match e {
        Error::Invalid => error(conn, "INVALID_NAME"),
        Error::Limit => error(conn, "LIMIT"),
        e => Err(e),
    }
}

/// A JSON object under construction.
struct Reply(String);

impl Reply {
    fn new(kind: &str) -> Reply {
        Reply("{".into()).str("type", kind)
    }

    fn raw(mut self, name: &str, value: &str) -> Reply {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        quote(&mut self.0, name);
        self.0.push(':');
        self.0.push_str(value);
        self
    }

    fn str(self, name: &str, value: &str) -> Reply {
        let mut reply = self.raw(name, "");
        quote(&mut reply.0, value);
        reply
    }

    fn users(self, users: &[String]) -> Reply {
        if users.len() > MAX_LISTED {
            return self;
        }
        let mut list = String::from("[");
        for (i, user) in users.iter().enumerate() {
            list.push_str(if i > 0 { "," } else { "" });
            quote(&mut list, user);
        }
        self.raw("users", &(list + "]"))
    }

    fn end(self) -> String {
        self.0 + "}"
    }
}

azuhost::register!(Chat, on_presence);
