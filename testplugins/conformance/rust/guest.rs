//! The conformance guest in Rust. ../README.md describes it.

use azuhost::*;
use std::time::Duration;

#[derive(Default)]
pub struct Guest {
    config: String,
    count: u64,
    event: Vec<u8>,
}

/// The receivers of the answers of a script.
#[derive(Clone, Copy)]
enum To {
    Conn(Conn),
    /// The connection of the hook is closed and gets no messages.
    Closed(Conn),
    All,
}

impl To {
    fn conn(self) -> Conn {
        match self {
            To::Conn(c) | To::Closed(c) => c,
            To::All => Conn(0),
        }
    }

    fn answer(self, text: &[u8]) -> Result {
        match self {
            To::Conn(c) => c.send(Message::text(text)),
            _ => broadcast(Message::text(text)),
        }
    }
}

/// The end of a command: an answer, an error to answer, or the end of the hook.
enum End {
    Answer(Vec<u8>),
    Error(Error),
    Hook(Error),
}

impl From<Error> for End {
    fn from(e: Error) -> End {
        End::Error(e)
    }
}

impl Channel for Guest {
    fn on_load(&mut self, config: &str) -> Result {
        self.config = config.to_string();
        match config.strip_prefix(r#"{"do":""#) {
            Some(rest) => self.run(To::All, config.as_bytes(), rest[..rest.len() - 2].as_bytes(), (b';', b'|')),
            None => Ok(()),
        }
    }

    fn on_connect(&mut self, conn: Conn, target: &str) -> Result {
        match conn.query("do") {
            Ok(script) => self.run(To::Conn(conn), target.as_bytes(), script.as_bytes(), (b';', b'|')),
            Err(_) => Ok(()),
        }
    }

    fn on_message(&mut self, conn: Conn, message: Message) -> Result {
        if message.data.is_empty() || message.data[0] == b'#' {
            return conn.send(message);
        }
        let kind = if message.is_text() { "text" } else { "binary" };
        let event = format!("{} {}", kind, message.data.len());
        self.run(To::Conn(conn), event.as_bytes(), message.data, (b';', b'|'))
    }

    fn on_close(&mut self, conn: Conn, code: u16, reason: &str) -> Result {
        self.stored("on_close", To::Closed(conn), format!("{}|{}", code, reason).as_bytes())
    }
}

impl OnTimer for Guest {
    fn on_timer(&mut self, conn: Option<Conn>, name: &str) -> Result {
        self.stored("on_timer", conn.map_or(To::All, To::Conn), name.as_bytes())
    }
}

impl OnPresence for Guest {
    fn on_presence(&mut self, room: &str, user: &str, joined: bool) -> Result {
        self.stored("on_presence", To::All, format!("{}|{}|{}", room, user, joined as u8).as_bytes())
    }
}

impl OnPublish for Guest {
    fn on_publish(&mut self, target: Target, message: Message) -> Result {
        let (to, name) = match target {
            Target::Room(name) => ("room", name),
            Target::User(name) => ("user", name),
            Target::All => ("all", ""),
        };
        let kind = if message.is_text() { "text" } else { "binary" };
        let event = [to.as_bytes(), name.as_bytes(), kind.as_bytes(), message.data].join(&b'|');
        self.stored("on_publish", To::All, &event)
    }
}

impl OnPing for Guest {
    fn on_ping(&mut self, conn: Conn, payload: &[u8]) -> Result {
        self.stored("on_ping", To::Conn(conn), payload)
    }
}

impl OnPong for Guest {
    fn on_pong(&mut self, conn: Conn, payload: &[u8]) -> Result {
        self.stored("on_pong", To::Conn(conn), payload)
    }
}

fn text(b: &[u8]) -> Result<&str> {
    std::str::from_utf8(b).map_err(|_| Error::Invalid)
}

fn number<T: std::str::FromStr + Default>(b: &[u8]) -> T {
    text(b).ok().and_then(|t| t.parse().ok()).unwrap_or_default()
}

fn millis(b: &[u8]) -> Duration {
    Duration::from_millis(number(b))
}

fn list(names: &[impl ToString]) -> Result<Vec<u8>, End> {
    value(names.iter().map(ToString::to_string).collect::<Vec<_>>().join(","))
}

fn value(v: impl AsRef<[u8]>) -> Result<Vec<u8>, End> {
    Ok([b"=", v.as_ref()].concat())
}

fn name(e: &Error) -> &'static str {
    match e {
        Error::Invalid => "!INVALID",
        Error::NotFound => "!NOT_FOUND",
        Error::Perm => "!PERM",
        Error::Limit => "!LIMIT",
        Error::State => "!STATE",
        Error::Timeout => "!TIMEOUT",
        Error::Unavailable => "!UNAVAILABLE",
        Error::Failed => "!FAILED",
        _ => "!UNKNOWN",
    }
}

impl Guest {
    /// Runs the script of a hook from the store, if there is one.
    fn stored(&mut self, hook: &str, to: To, event: &[u8]) -> Result {
        match Key(hook).get() {
            Ok(script) => self.run(to, event, &script, (b',', b'/')),
            Err(_) => Ok(()),
        }
    }

    fn run(&mut self, to: To, event: &[u8], script: &[u8], separators: (u8, u8)) -> Result {
        self.event = event.to_vec();
        for command in script.split(|b| *b == separators.0) {
            let mut f = command.splitn(4, |b| *b == separators.1);
            let mut next = || f.next().unwrap_or_default();
            match self.command(to.conn(), next(), next(), next(), next()).unwrap_or_else(|e| e) {
                End::Answer(text) => to.answer(&text)?,
                End::Error(e) => to.answer(name(&e).as_bytes())?,
                End::Hook(e) => return Err(e),
            }
        }
        Ok(())
    }

    fn command(&mut self, conn: Conn, command: &[u8], a: &[u8], b: &[u8], c: &[u8]) -> Result<End, End> {
        let labels = text(c)?.split(',').filter_map(|l| l.split_once('=')).collect::<Vec<_>>();
        match command {
            b"send" => conn.send(Message::text(a))?,
            b"send_binary" => conn.send(Message::binary(a))?,
            b"send_to" => Conn(number(a)).send(Message::text(b))?,
            b"broadcast" => Room(text(a)?).broadcast(Message::text(b))?,
            b"broadcast_except" => Room(text(a)?).broadcast_except(Message::text(b), conn)?,
            b"broadcast_all" => broadcast(Message::text(a))?,
            b"broadcast_all_except" => broadcast_except(Message::text(a), conn)?,
            b"send_user" => User(text(a)?).send(Message::text(b))?,
            b"send_users" => send_users(&text(a)?.split(',').collect::<Vec<_>>(), Message::text(b))?,
            b"close" => conn.close(number(a), text(b)?)?,
            b"join" => conn.join(text(a)?)?,
            b"leave" => conn.leave(text(a)?)?,
            b"identify" => conn.identify(text(a)?)?,
            b"value_set" => conn.set_value(text(a)?, b)?,
            b"value_delete" => conn.delete_value(text(a)?)?,
            b"store_set" => Key(text(a)?).set(b, millis(c))?,
            b"store_delete" => Key(text(a)?).delete()?,
            b"timer_set" => conn.set_timer(text(a)?, millis(b))?,
            b"timer_clear" => conn.clear_timer(text(a)?)?,
            b"channel_timer_set" => set_timer(text(a)?, millis(b))?,
            b"channel_timer_clear" => clear_timer(text(a)?)?,
            b"log" => log([Level::Debug, Level::Info, Level::Warn, Level::Error][number::<usize>(a)], text(b)?),
            b"counter_add" => counter_add(text(a)?, number::<i64>(b) as f64, &labels)?,
            b"gauge_set" => gauge_set(text(a)?, number::<i64>(b) as f64, &labels)?,
            b"histogram_observe" => histogram_observe(text(a)?, number::<i64>(b) as f64, &labels)?,
            _ => return self.command_with_value(conn, command, a, b, c).map(End::Answer),
        }
        Ok(End::Answer(b"ok".to_vec()))
    }

    /// Runs a command whose answer is a value, or that ends the hook.
    fn command_with_value(&mut self, conn: Conn, command: &[u8], a: &[u8], b: &[u8], c: &[u8]) -> Result<Vec<u8>, End> {
        match command {
            b"room_size" => value(Room(text(a)?).size()?.to_string()),
            b"room_members" => list(&Room(text(a)?).members()?.iter().map(|c| c.0).collect::<Vec<_>>()),
            b"room_users" => list(&Room(text(a)?).users()?),
            b"rooms" => list(&conn.rooms()?),
            b"user" => value(conn.user()?),
            b"online" => value((User(text(a)?).online()? as u8).to_string()),
            b"users" => list(&users()?),
            b"param" => value(conn.param(text(a)?)?),
            b"query" => value(conn.query(text(a)?)?),
            b"header" => value(conn.header(text(a)?)?),
            b"remote_addr" => value(conn.remote_addr()?),
            b"subprotocol" => value(conn.subprotocol()?),
            b"claims" => value(conn.claims()?),
            b"value_get" => value(conn.value(text(a)?)?),
            b"store_get" => value(Key(text(a)?).get()?),
            b"store_add" => value(Key(text(a)?).add(number(b), millis(c))?.to_string()),
            b"now" => value(now().duration_since(std::time::UNIX_EPOCH).unwrap().as_nanos().to_string()),
            b"id" => value(conn.0.to_string()),
            b"event" => value(&self.event),
            b"config" => value(&self.config),
            b"count" => {
                self.count += 1;
                value(self.count.to_string())
            }
            b"errno" => Err(End::Error(Error::from_code(number(a)))),
            b"fail" => Err(End::Hook(text(a)?.into())),
            b"refuse" => Err(End::Hook(refuse(number(a)))),
            b"refuse_close" => Err(End::Hook(refuse_close(number(a)))),
            b"propagate" => Err(End::Hook(conn.value("missing").unwrap_err())),
            b"trap" => panic!("trap"),
            _ => Ok([b"?", command].concat()),
        }
    }
}

register!(Guest, on_timer, on_presence, on_publish, on_ping, on_pong);
