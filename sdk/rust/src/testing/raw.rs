//! The host functions of the fake host, with the signatures of the imports.
#![allow(clippy::missing_safety_doc)]

use super::state::{with, Client, Entry, Running};
use crate::{Kind, Level};
use std::slice::from_raw_parts;

const INVALID: i32 = -1;
const NOT_FOUND: i32 = -2;
const LIMIT: i32 = -4;
const STATE: i32 = -5;
const FAILED: i32 = -8;

/// The shortest delay of a timer that `on_timer` sets (ABI.md), in milliseconds.
const MIN_TIMER: i64 = 1;

/// The limits of metrics that no operator can change.
const MAX_LABELS: usize = 5;
const MAX_METRIC_NAME: usize = 100;

unsafe fn bytes(ptr: *const u8, len: usize) -> Vec<u8> {
    if len == 0 {
        return Vec::new();
    }
    from_raw_parts(ptr, len).to_vec()
}

unsafe fn lossy(ptr: *const u8, len: usize) -> String {
    String::from_utf8_lossy(&bytes(ptr, len)).into_owned()
}

/// Returns a valid name: 1 to 255 bytes of UTF-8 without control characters and line separators.
unsafe fn name(ptr: *const u8, len: usize) -> Result<String, i32> {
    let s = String::from_utf8(bytes(ptr, len)).map_err(|_| INVALID)?;
    if is_name(&s) {
        return Ok(s);
    }
    Err(INVALID)
}

fn is_name(s: &str) -> bool {
    !s.is_empty() && s.len() <= 255 && !s.contains(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}')
}

/// Returns a valid message: of a known kind, and UTF-8 if it is a text.
unsafe fn message(kind: i32, ptr: *const u8, len: usize) -> Result<(Kind, Vec<u8>), i32> {
    let data = bytes(ptr, len);
    match kind {
        1 if std::str::from_utf8(&data).is_ok() => Ok((Kind::Text, data)),
        2 => Ok((Kind::Binary, data)),
        _ => Err(INVALID),
    }
}

/// Returns the result of a getter: the length of the data. It copies the data to `buf` if it fits.
unsafe fn copy_out(data: Result<impl AsRef<[u8]>, i32>, buf: *mut u8, cap: usize) -> i32 {
    match data {
        Ok(data) => {
            let b = data.as_ref();
            if b.len() <= cap {
                std::ptr::copy_nonoverlapping(b.as_ptr(), buf, b.len());
            }
            b.len() as i32
        }
        Err(e) => e,
    }
}

/// Returns the result of a function without a value.
fn status(r: Result<(), i32>) -> i32 {
    r.map_or_else(|e| e, |()| 0)
}

/// Calls a function with a connection.
fn client<R>(conn: u64, f: impl FnOnce(&mut Client) -> Result<R, i32>) -> Result<R, i32> {
    with(|s| s.conns.get_mut(&conn).ok_or(NOT_FOUND).and_then(f))
}

/// Calls a function with a connection and a name.
unsafe fn client_and_name<R>(
    conn: u64,
    ptr: *const u8,
    len: usize,
    f: impl FnOnce(&mut Client, String) -> Result<R, i32>,
) -> Result<R, i32> {
    client(conn, |c| f(c, name(ptr, len)?))
}

fn lines(names: impl IntoIterator<Item = String>) -> String {
    names.into_iter().collect::<Vec<_>>().join("\n")
}

pub unsafe fn send(conn: u64, kind: i32, data_ptr: *const u8, data_len: usize) -> i32 {
    status(client(conn, |_| Ok(())).and_then(|()| {
        let m = message(kind, data_ptr, data_len)?;
        with(|s| s.deliver(&m, |id, _| id == conn));
        Ok(())
    }))
}

pub unsafe fn broadcast(
    room_ptr: *const u8,
    room_len: usize,
    kind: i32,
    data_ptr: *const u8,
    data_len: usize,
    except: u64,
) -> i32 {
    status(name(room_ptr, room_len).and_then(|room| {
        let m = message(kind, data_ptr, data_len)?;
        with(|s| s.deliver(&m, |id, c| id != except && c.is_in(&room)));
        Ok(())
    }))
}

pub unsafe fn broadcast_all(kind: i32, data_ptr: *const u8, data_len: usize, except: u64) -> i32 {
    status(message(kind, data_ptr, data_len).map(|m| with(|s| s.deliver(&m, |id, _| id != except))))
}

pub unsafe fn send_user(user_ptr: *const u8, user_len: usize, kind: i32, data_ptr: *const u8, data_len: usize) -> i32 {
    status(name(user_ptr, user_len).and_then(|user| {
        let m = message(kind, data_ptr, data_len)?;
        with(|s| s.deliver(&m, |_, c| c.user == user));
        Ok(())
    }))
}

pub unsafe fn send_users(
    users_ptr: *const u8,
    users_len: usize,
    kind: i32,
    data_ptr: *const u8,
    data_len: usize,
) -> i32 {
    let list = bytes(users_ptr, users_len);
    status(message(kind, data_ptr, data_len).and_then(|m| {
        let users = list.split(|b| *b == b'\n').map(|n| name(n.as_ptr(), n.len())).collect::<Result<Vec<_>, _>>()?;
        for user in users {
            with(|s| s.deliver(&m, |_, c| c.user == user));
        }
        Ok(())
    }))
}

pub unsafe fn close(conn: u64, code: i32, reason_ptr: *const u8, reason_len: usize) -> i32 {
    let allowed = matches!(code, 1000 | 1001 | 1003 | 1007..=1013 | 3000..=4999);
    let reason = match String::from_utf8(bytes(reason_ptr, reason_len)) {
        Ok(reason) if allowed && reason_len <= 123 => reason,
        _ => return INVALID,
    };
    let first = client(conn, |c| {
        let first = !c.closing && !c.left;
        c.closing |= first;
        Ok(first)
    });
    status(first.map(|first| {
        if first {
            with(|s| s.closed.insert(conn, (code as u16, reason)));
        }
    }))
}

pub unsafe fn join(conn: u64, room_ptr: *const u8, room_len: usize) -> i32 {
    status(client_and_name(conn, room_ptr, room_len, |c, room| {
        if !c.rooms.contains(&room) {
            c.rooms.push(room);
        }
        Ok(())
    }))
}

pub unsafe fn leave(conn: u64, room_ptr: *const u8, room_len: usize) -> i32 {
    status(client_and_name(conn, room_ptr, room_len, |c, room| {
        c.rooms.retain(|r| *r != room);
        Ok(())
    }))
}

pub unsafe fn room_size(room_ptr: *const u8, room_len: usize) -> i32 {
    name(room_ptr, room_len).map_or_else(|e| e, |room| with(|s| s.members(&room).len() as i32))
}

pub unsafe fn room_members(room_ptr: *const u8, room_len: usize, buf: *mut u8, cap: usize) -> i32 {
    let members = name(room_ptr, room_len).map(|room| with(|s| s.members(&room)));
    copy_out(members.map(|ids| ids.iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<u8>>()), buf, cap)
}

pub unsafe fn room_users(room_ptr: *const u8, room_len: usize, buf: *mut u8, cap: usize) -> i32 {
    copy_out(name(room_ptr, room_len).map(|room| lines(with(|s| s.users(|c| c.is_in(&room))))), buf, cap)
}

pub unsafe fn rooms(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    copy_out(client(conn, |c| Ok(c.rooms.join("\n"))), buf, cap)
}

pub unsafe fn identify(conn: u64, user_ptr: *const u8, user_len: usize) -> i32 {
    status(client(conn, |c| {
        c.user = if user_len == 0 { String::new() } else { name(user_ptr, user_len)? };
        Ok(())
    }))
}

pub unsafe fn user(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    copy_out(client(conn, |c| Ok(c.user.clone())), buf, cap)
}

pub unsafe fn online(user_ptr: *const u8, user_len: usize) -> i32 {
    name(user_ptr, user_len).map_or_else(|e| e, |user| with(|s| s.users(|_| true).contains(&user)) as i32)
}

pub unsafe fn users(buf: *mut u8, cap: usize) -> i32 {
    copy_out(Ok(lines(with(|s| s.users(|_| true)))), buf, cap)
}

pub unsafe fn param(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32 {
    let name = lossy(name_ptr, name_len);
    copy_out(client(conn, |c| c.params.get(&name).cloned().ok_or(NOT_FOUND)), buf, cap)
}

/// Returns data of the request. It returns STATE outside the `on_connect` of the connection.
fn of_request(conn: u64, get: impl FnOnce(&Client) -> Option<&String>) -> Result<String, i32> {
    client(conn, |_| Ok(()))?;
    if with(|s| s.running) != Running::Connect(conn) {
        return Err(STATE);
    }
    client(conn, |c| get(c).cloned().ok_or(NOT_FOUND))
}

pub unsafe fn query(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32 {
    let name = lossy(name_ptr, name_len);
    copy_out(of_request(conn, |c| c.query.get(&name)), buf, cap)
}

pub unsafe fn header(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32 {
    let name = lossy(name_ptr, name_len).to_lowercase();
    copy_out(of_request(conn, |c| c.headers.get(&name)), buf, cap)
}

pub unsafe fn remote_addr(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    copy_out(client(conn, |_| Ok("127.0.0.1")), buf, cap)
}

pub unsafe fn subprotocol(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    copy_out(client(conn, |c| Ok(c.subprotocol.clone())), buf, cap)
}

pub unsafe fn claims(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    copy_out(client(conn, |_| Err::<&str, i32>(NOT_FOUND)), buf, cap)
}

pub unsafe fn value_get(conn: u64, key_ptr: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32 {
    copy_out(client_and_name(conn, key_ptr, key_len, |c, key| c.values.get(&key).cloned().ok_or(NOT_FOUND)), buf, cap)
}

pub unsafe fn value_set(conn: u64, key_ptr: *const u8, key_len: usize, data_ptr: *const u8, data_len: usize) -> i32 {
    status(client_and_name(conn, key_ptr, key_len, |c, key| {
        c.values.insert(key, bytes(data_ptr, data_len));
        Ok(())
    }))
}

pub unsafe fn value_delete(conn: u64, key_ptr: *const u8, key_len: usize) -> i32 {
    status(client_and_name(conn, key_ptr, key_len, |c, key| c.values.remove(&key).map(drop).ok_or(NOT_FOUND)))
}

pub unsafe fn store_get(key_ptr: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32 {
    let data = name(key_ptr, key_len).and_then(|k| with(|s| s.entry(&k).map(|e| e.data.clone()).ok_or(NOT_FOUND)));
    copy_out(data, buf, cap)
}

pub unsafe fn store_set(key_ptr: *const u8, key_len: usize, data_ptr: *const u8, data_len: usize, ttl_ms: i64) -> i32 {
    let data = bytes(data_ptr, data_len);
    status(name(key_ptr, key_len).and_then(|k| {
        if ttl_ms < 0 {
            return Err(INVALID);
        }
        with(|s| s.store.insert(k, Entry { data, until_ms: s.expiry(ttl_ms) }));
        Ok(())
    }))
}

pub unsafe fn store_delete(key_ptr: *const u8, key_len: usize) -> i32 {
    status(name(key_ptr, key_len).and_then(|k| {
        with(|s| {
            s.entry(&k).ok_or(NOT_FOUND)?;
            s.store.remove(&k);
            Ok(())
        })
    }))
}

pub unsafe fn store_add(key_ptr: *const u8, key_len: usize, delta: i64, ttl_ms: i64, result: *mut i64) -> i32 {
    status(name(key_ptr, key_len).and_then(|k| {
        if ttl_ms < 0 {
            return Err(INVALID);
        }
        with(|s| {
            let new = Entry { data: b"0".to_vec(), until_ms: s.expiry(ttl_ms) };
            let old = s.entry(&k).cloned().unwrap_or(new);
            let n = std::str::from_utf8(&old.data).ok().and_then(|t| t.parse::<i64>().ok()).ok_or(INVALID)?;
            let sum = n.checked_add(delta).ok_or(LIMIT)?;
            s.store.insert(k, Entry { data: sum.to_string().into_bytes(), ..old });
            *result = sum;
            Ok(())
        })
    }))
}

pub unsafe fn timer_set(conn: u64, name_ptr: *const u8, name_len: usize, after_ms: i64) -> i32 {
    if after_ms < 0 {
        return INVALID;
    }
    let known = if conn == 0 { Ok(()) } else { client(conn, |_| Ok(())) };
    status(known.and_then(|()| {
        let name = name(name_ptr, name_len)?;
        with(|s| {
            let least = if s.running == Running::Timer { MIN_TIMER } else { 0 };
            s.timers.insert((conn, name), s.now_ms.saturating_add(after_ms.max(least)));
        });
        Ok(())
    }))
}

pub unsafe fn timer_clear(conn: u64, name_ptr: *const u8, name_len: usize) -> i32 {
    status(name(name_ptr, name_len).and_then(|n| with(|s| s.timers.remove(&(conn, n)).map(drop).ok_or(NOT_FOUND))))
}

pub unsafe fn log(level: i32, text_ptr: *const u8, text_len: usize) -> i32 {
    let level = match level {
        0 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warn,
        3 => Level::Error,
        _ => return INVALID,
    };
    let line = lossy(text_ptr, text_len);
    with(|s| s.log.push((level, line)));
    0
}

/// Checks the arguments. The fake host keeps no metrics.
pub unsafe fn metric(
    op: i32,
    name_ptr: *const u8,
    name_len: usize,
    labels_ptr: *const u8,
    labels_len: usize,
    value: f64,
) -> i32 {
    let valid_value = value.is_finite() && (op != 0 || value >= 0.0);
    let valid_names = is_metric(&lossy(name_ptr, name_len)) && are_labels(&bytes(labels_ptr, labels_len));
    if (0..3).contains(&op) && valid_value && valid_names {
        return 0;
    }
    INVALID
}

/// Returns whether a metric or a label can have a name: letters, digits and underscores, with no digit at
/// the beginning.
fn is_metric(name: &str) -> bool {
    let letters = name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_');
    letters && !name.is_empty() && name.len() <= MAX_METRIC_NAME && !name.as_bytes()[0].is_ascii_digit()
}

/// Returns whether the host accepts lines of `name=value` as labels.
fn are_labels(text: &[u8]) -> bool {
    let mut names = Vec::new();
    for line in String::from_utf8_lossy(text).lines() {
        let (name, value) = match line.split_once('=') {
            Some((name, value)) => (name.to_string(), value),
            None => return false,
        };
        let reserved = matches!(name.as_str(), "route" | "le" | "quantile") || name.starts_with("__");
        if reserved || !is_metric(&name) || !is_name(value) || names.contains(&name) || names.len() == MAX_LABELS {
            return false;
        }
        names.push(name);
    }
    true
}

pub unsafe fn now() -> i64 {
    with(|s| s.now_ms) * 1_000_000
}

/// Does nothing: a channel returns its errors to the fake host.
pub unsafe fn fail(_text_ptr: *const u8, _text_len: usize) -> i32 {
    FAILED
}

/// Does nothing: the fake host passes events to a channel.
pub unsafe fn read(_ptr: *mut u8, _offset: usize, _len: usize) -> i32 {
    0
}
