//! The code of the exports of a plugin, for [`register!`](crate::register).

use crate::message::Kind;
use crate::{raw, Channel, Conn, Message, OnPing, OnPong, OnPresence, OnPublish, OnTimer, Result, Target};
use std::borrow::Cow;

/// The size in bytes of the inbox, where the host writes the bytes of an event. It is the default limit of a message.
const INBOX: usize = 64 << 10;

static mut INBOX_BYTES: [u8; INBOX] = [0; INBOX];

// Rust before 1.82 requires the unsafe block. Later versions warn about it.
#[allow(unused_unsafe)]
fn inbox() -> *mut u8 {
    unsafe { core::ptr::addr_of_mut!(INBOX_BYTES).cast() }
}

/// Returns the result of `azu_v1`: the address and the capacity of the inbox. Installs a panic hook that logs panics.
pub fn version() -> u64 {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|p| crate::log(crate::Level::Error, &p.to_string())));
    (inbox() as u64) << 32 | INBOX as u64
}

/// Returns true if `hooks`, the hooks named in `register!`, contain `hook`.
pub const fn named(hooks: &[&str], hook: &str) -> bool {
    let mut i = 0;
    while i < hooks.len() {
        let (a, b) = (hooks[i].as_bytes(), hook.as_bytes());
        let mut same = a.len() == b.len();
        let mut j = 0;
        while same && j < a.len() {
            same = a[j] == b[j];
            j += 1;
        }
        if same {
            return true;
        }
        i += 1;
    }
    false
}

/// Returns the bytes of the event. They are valid until the hook returns.
fn event<'a>(len: u32) -> Cow<'a, [u8]> {
    let len = len as usize;
    if len <= INBOX {
        return Cow::Borrowed(unsafe { core::slice::from_raw_parts(inbox(), len) });
    }
    let mut large = vec![0; len];
    let n = unsafe { raw::read(large.as_mut_ptr(), 0, len) };
    assert_eq!(n as usize, len, "the host returned only a part of the event");
    Cow::Owned(large)
}

fn text(bytes: &[u8]) -> Result<&str> {
    Ok(core::str::from_utf8(bytes)?)
}

fn kind(kind: i32) -> Kind {
    if kind == Kind::Text as i32 {
        return Kind::Text;
    }
    Kind::Binary
}

fn answer(r: Result) -> i32 {
    match r {
        Ok(()) => 0,
        Err(e) => e.answer(),
    }
}

pub fn load<T: Channel>(channel: &mut T, len: u32) -> i32 {
    let e = event(len);
    answer(text(&e).and_then(|config| channel.on_load(config)))
}

pub fn connect<T: Channel>(channel: &mut T, conn: u64, len: u32) -> i32 {
    let e = event(len);
    answer(text(&e).and_then(|target| channel.on_connect(Conn(conn), target)))
}

pub fn message<T: Channel>(channel: &mut T, conn: u64, len: u32, k: i32) -> i32 {
    let e = event(len);
    answer(channel.on_message(Conn(conn), Message { kind: kind(k), data: &e }))
}

pub fn close<T: Channel>(channel: &mut T, conn: u64, len: u32, code: i32) -> i32 {
    let e = event(len);
    answer(text(&e).and_then(|reason| channel.on_close(Conn(conn), code as u16, reason)))
}

pub fn timer<T: OnTimer>(channel: &mut T, conn: u64, len: u32) -> i32 {
    let e = event(len);
    let conn = if conn == 0 { None } else { Some(Conn(conn)) };
    answer(text(&e).and_then(|name| channel.on_timer(conn, name)))
}

pub fn presence<T: OnPresence>(channel: &mut T, len: u32, joined: i32) -> i32 {
    let e = event(len);
    answer(text(&e).and_then(|e| {
        let (room, user) = e.split_once('\n').unwrap_or_default();
        channel.on_presence(room, user, joined == 1)
    }))
}

pub fn publish<T: OnPublish>(channel: &mut T, len: u32, k: i32) -> i32 {
    let e = event(len);
    let mut lines = e.splitn(3, |&b| b == b'\n');
    let mut next = || lines.next().unwrap_or_default();
    let (to, name, data) = (next(), next(), next());
    answer(text(name).and_then(|name| {
        let target = match to {
            b"room" => Target::Room(name),
            b"user" => Target::User(name),
            _ => Target::All,
        };
        channel.on_publish(target, Message { kind: kind(k), data })
    }))
}

pub fn ping<T: OnPing>(channel: &mut T, conn: u64, len: u32) -> i32 {
    answer(channel.on_ping(Conn(conn), &event(len)))
}

pub fn pong<T: OnPong>(channel: &mut T, conn: u64, len: u32) -> i32 {
    answer(channel.on_pong(Conn(conn), &event(len)))
}
