//! What the exports of a plugin do. It is for [`register!`](crate::register).

use crate::message::Kind;
use crate::{raw, Channel, Conn, Message, OnPing, OnPong, OnPresence, OnPublish, OnTimer, Result, Target};
use std::borrow::Cow;

/// Where the host writes an event's bytes: as large as its default limit of a
/// message. What is larger is fetched.
const INBOX: usize = 64 << 10;

static mut INBOX_BYTES: [u8; INBOX] = [0; INBOX];

// Newer compilers do not need the unsafe.
#[allow(unused_unsafe)]
fn inbox() -> *mut u8 {
    unsafe { core::ptr::addr_of_mut!(INBOX_BYTES).cast() }
}

/// What `azu_v1` gives: where the inbox is.
pub fn version() -> u64 {
    #[cfg(target_arch = "wasm32")]
    std::panic::set_hook(Box::new(|p| crate::log(crate::Level::Error, &p.to_string())));
    (inbox() as u64) << 32 | INBOX as u64
}

/// Says whether a hook is among those named in `register!`.
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

/// Gives the bytes of the event. They are valid until the hook returns.
fn event<'a>(len: u32) -> Cow<'a, [u8]> {
    let len = len as usize;
    if len <= INBOX {
        return Cow::Borrowed(unsafe { core::slice::from_raw_parts(inbox(), len) });
    }
    let mut large = vec![0; len];
    let n = unsafe { raw::read(large.as_mut_ptr(), 0, len) };
    assert_eq!(n as usize, len, "the host gave less of an event than it announced");
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
    let mut parts = e.splitn(3, |&b| b == b'\n');
    let (to, name, data) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
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
