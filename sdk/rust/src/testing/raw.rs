//! The host functions of the host for tests, with the signatures of the imports.
#![allow(clippy::missing_safety_doc)]

use super::state::{with, Client, Kept};
use std::slice::from_raw_parts;

const INVALID: i32 = -1;
const NOT_FOUND: i32 = -2;
const STATE: i32 = -5;
const FAILED: i32 = -8;

unsafe fn data(ptr: *const u8, len: usize) -> Vec<u8> {
    if len == 0 {
        return Vec::new();
    }
    from_raw_parts(ptr, len).to_vec()
}

/// Takes a name, as the host checks it.
unsafe fn name(ptr: *const u8, len: usize) -> Result<String, i32> {
    let s = String::from_utf8(data(ptr, len)).map_err(|_| INVALID)?;
    if s.is_empty() || s.len() > 255 || s.contains(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}') {
        return Err(INVALID);
    }
    Ok(s)
}

unsafe fn message(kind: i32, ptr: *const u8, len: usize) -> Result<Vec<u8>, i32> {
    let d = data(ptr, len);
    if kind != 1 && kind != 2 || kind == 1 && std::str::from_utf8(&d).is_err() {
        return Err(INVALID);
    }
    Ok(d)
}

unsafe fn give(what: Result<impl AsRef<[u8]>, i32>, buf: *mut u8, cap: usize) -> i32 {
    match what {
        Ok(what) => {
            let b = what.as_ref();
            if b.len() <= cap {
                std::ptr::copy_nonoverlapping(b.as_ptr(), buf, b.len());
            }
            b.len() as i32
        }
        Err(e) => e,
    }
}

fn done(r: Result<i32, i32>) -> i32 {
    r.unwrap_or_else(|e| e)
}

fn client<R>(conn: u64, f: impl FnOnce(&mut Client) -> Result<R, i32>) -> Result<R, i32> {
    with(|s| s.conns.get_mut(&conn).ok_or(NOT_FOUND).and_then(f))
}

pub unsafe fn send(conn: u64, kind: i32, data_ptr: *const u8, data_len: usize) -> i32 {
    done(message(kind, data_ptr, data_len).and_then(|m| {
        client(conn, |_| Ok(()))?;
        with(|s| s.deliver(&m, |id, _| id == conn));
        Ok(0)
    }))
}

pub unsafe fn broadcast(room_ptr: *const u8, room_len: usize, kind: i32, data_ptr: *const u8, data_len: usize, except: u64) -> i32 {
    done(name(room_ptr, room_len).and_then(|room| {
        let m = message(kind, data_ptr, data_len)?;
        with(|s| s.deliver(&m, |id, c| id != except && c.is_in(&room)));
        Ok(0)
    }))
}

pub unsafe fn broadcast_all(kind: i32, data_ptr: *const u8, data_len: usize, except: u64) -> i32 {
    done(message(kind, data_ptr, data_len).map(|m| {
        with(|s| s.deliver(&m, |id, _| id != except));
        0
    }))
}

pub unsafe fn send_user(user_ptr: *const u8, user_len: usize, kind: i32, data_ptr: *const u8, data_len: usize) -> i32 {
    done(name(user_ptr, user_len).and_then(|user| {
        let m = message(kind, data_ptr, data_len)?;
        with(|s| s.deliver(&m, |_, c| c.user == user));
        Ok(0)
    }))
}

pub unsafe fn send_users(users_ptr: *const u8, users_len: usize, kind: i32, data_ptr: *const u8, data_len: usize) -> i32 {
    let names = data(users_ptr, users_len);
    done(message(kind, data_ptr, data_len).and_then(|m| {
        let names = names.split(|b| *b == b'\n').map(|n| name(n.as_ptr(), n.len())).collect::<Result<Vec<_>, _>>()?;
        with(|s| s.deliver(&m, |_, c| names.contains(&c.user)));
        Ok(0)
    }))
}

pub unsafe fn close(conn: u64, code: i32, reason_ptr: *const u8, reason_len: usize) -> i32 {
    let allowed = matches!(code, 1000 | 1001 | 1003 | 1007..=1013 | 3000..=4999);
    let reason = match String::from_utf8(data(reason_ptr, reason_len)) {
        Ok(reason) if allowed && reason_len <= 123 => reason,
        _ => return INVALID,
    };
    done(client(conn, |c| {
        c.closing = true;
        Ok(0)
    })
    .map(|n| {
        with(|s| s.closed.insert(conn, (code as u16, reason)));
        n
    }))
}

pub unsafe fn join(conn: u64, room_ptr: *const u8, room_len: usize) -> i32 {
    done(name(room_ptr, room_len).and_then(|room| {
        client(conn, |c| {
            if !c.is_in(&room) {
                c.rooms.push(room);
            }
            Ok(0)
        })
    }))
}

pub unsafe fn leave(conn: u64, room_ptr: *const u8, room_len: usize) -> i32 {
    done(name(room_ptr, room_len).and_then(|room| {
        client(conn, |c| {
            c.rooms.retain(|r| *r != room);
            Ok(0)
        })
    }))
}

pub unsafe fn room_size(room_ptr: *const u8, room_len: usize) -> i32 {
    done(name(room_ptr, room_len).map(|room| with(|s| s.members(&room).len() as i32)))
}

pub unsafe fn room_members(room_ptr: *const u8, room_len: usize, buf: *mut u8, cap: usize) -> i32 {
    let ids = name(room_ptr, room_len).map(|room| with(|s| s.members(&room)).iter().flat_map(|id| id.to_le_bytes()).collect::<Vec<u8>>());
    give(ids, buf, cap)
}

pub unsafe fn room_users(room_ptr: *const u8, room_len: usize, buf: *mut u8, cap: usize) -> i32 {
    let list = name(room_ptr, room_len).map(|room| with(|s| s.users(|c| c.is_in(&room))).into_iter().collect::<Vec<_>>().join("\n"));
    give(list, buf, cap)
}

pub unsafe fn rooms(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    give(client(conn, |c| Ok(c.rooms.join("\n"))), buf, cap)
}

pub unsafe fn identify(conn: u64, user_ptr: *const u8, user_len: usize) -> i32 {
    let user = if user_len == 0 { Ok(String::new()) } else { name(user_ptr, user_len) };
    done(user.and_then(|user| {
        client(conn, |c| {
            c.user = user;
            Ok(0)
        })
    }))
}

pub unsafe fn user(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    give(client(conn, |c| Ok(c.user.clone())), buf, cap)
}

pub unsafe fn online(user_ptr: *const u8, user_len: usize) -> i32 {
    done(name(user_ptr, user_len).map(|user| with(|s| s.users(|_| true).contains(&user)) as i32))
}

pub unsafe fn users(buf: *mut u8, cap: usize) -> i32 {
    let list = with(|s| s.users(|_| true)).into_iter().collect::<Vec<_>>().join("\n");
    give(Ok(list), buf, cap)
}

pub unsafe fn param(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32 {
    give(name(name_ptr, name_len).and_then(|n| client(conn, |c| c.params.get(&n).cloned().ok_or(NOT_FOUND))), buf, cap)
}

/// Gives what is there in on_connect only.
unsafe fn of_request(conn: u64, key: Result<String, i32>, get: impl FnOnce(&Client, &str) -> Option<String>, buf: *mut u8, cap: usize) -> i32 {
    if !with(|s| s.connecting) {
        return STATE;
    }
    give(key.and_then(|key| client(conn, |c| get(c, &key).ok_or(NOT_FOUND))), buf, cap)
}

pub unsafe fn query(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32 {
    of_request(conn, name(name_ptr, name_len), |c, n| c.query.get(n).cloned(), buf, cap)
}

pub unsafe fn header(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32 {
    of_request(conn, name(name_ptr, name_len), |c, n| c.headers.get(&n.to_lowercase()).cloned(), buf, cap)
}

pub unsafe fn remote_addr(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    give(client(conn, |_| Ok("127.0.0.1")), buf, cap)
}

pub unsafe fn subprotocol(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    give(client(conn, |_| Ok("")), buf, cap)
}

pub unsafe fn claims(conn: u64, buf: *mut u8, cap: usize) -> i32 {
    give(client(conn, |_| Err::<&str, i32>(NOT_FOUND)), buf, cap)
}

pub unsafe fn value_get(conn: u64, key_ptr: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32 {
    give(name(key_ptr, key_len).and_then(|k| client(conn, |c| c.values.get(&k).cloned().ok_or(NOT_FOUND))), buf, cap)
}

pub unsafe fn value_set(conn: u64, key_ptr: *const u8, key_len: usize, data_ptr: *const u8, data_len: usize) -> i32 {
    let value = data(data_ptr, data_len);
    done(name(key_ptr, key_len).and_then(|k| {
        client(conn, |c| {
            c.values.insert(k, value);
            Ok(0)
        })
    }))
}

pub unsafe fn value_delete(conn: u64, key_ptr: *const u8, key_len: usize) -> i32 {
    done(name(key_ptr, key_len).and_then(|k| client(conn, |c| c.values.remove(&k).map(|_| 0).ok_or(NOT_FOUND))))
}

pub unsafe fn store_get(key_ptr: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32 {
    give(name(key_ptr, key_len).and_then(|k| with(|s| s.kept(&k).map(|k| k.data.clone()).ok_or(NOT_FOUND))), buf, cap)
}

pub unsafe fn store_set(key_ptr: *const u8, key_len: usize, data_ptr: *const u8, data_len: usize, ttl_ms: i64) -> i32 {
    let data = data(data_ptr, data_len);
    done(name(key_ptr, key_len).map(|k| {
        with(|s| {
            let until = if ttl_ms == 0 { 0 } else { s.now_ms + ttl_ms };
            s.store.insert(k, Kept { data, until });
        });
        0
    }))
}

pub unsafe fn store_delete(key_ptr: *const u8, key_len: usize) -> i32 {
    done(name(key_ptr, key_len).and_then(|k| with(|s| s.kept(&k).is_some().then(|| s.store.remove(&k)).map(|_| 0).ok_or(NOT_FOUND))))
}

pub unsafe fn store_add(key_ptr: *const u8, key_len: usize, delta: i64, ttl_ms: i64, result: *mut i64) -> i32 {
    done(name(key_ptr, key_len).and_then(|k| {
        with(|s| {
            let old = s.kept(&k).cloned().unwrap_or(Kept { data: b"0".to_vec(), until: if ttl_ms == 0 { 0 } else { s.now_ms + ttl_ms } });
            let n = std::str::from_utf8(&old.data).ok().and_then(|t| t.parse::<i64>().ok()).and_then(|n| n.checked_add(delta)).ok_or(INVALID)?;
            s.store.insert(k, Kept { data: n.to_string().into_bytes(), ..old });
            *result = n;
            Ok(0)
        })
    }))
}

pub unsafe fn timer_set(conn: u64, name_ptr: *const u8, name_len: usize, after_ms: i64) -> i32 {
    done(name(name_ptr, name_len).and_then(|n| {
        if conn != 0 {
            client(conn, |_| Ok(()))?;
        }
        with(|s| s.timers.insert((conn, n), s.now_ms + after_ms));
        Ok(0)
    }))
}

pub unsafe fn timer_clear(conn: u64, name_ptr: *const u8, name_len: usize) -> i32 {
    done(name(name_ptr, name_len).and_then(|n| with(|s| s.timers.remove(&(conn, n)).map(|_| 0).ok_or(NOT_FOUND))))
}

pub unsafe fn log(_level: i32, text_ptr: *const u8, text_len: usize) -> i32 {
    let line = String::from_utf8_lossy(&data(text_ptr, text_len)).into_owned();
    with(|s| s.log.push(line));
    0
}

pub unsafe fn metric(op: i32, name_ptr: *const u8, name_len: usize, _labels_ptr: *const u8, _labels_len: usize, value: f64) -> i32 {
    done(name(name_ptr, name_len).and_then(|_| if (0..3).contains(&op) && value.is_finite() { Ok(0) } else { Err(INVALID) }))
}

pub unsafe fn now() -> i64 {
    with(|s| s.now_ms) * 1_000_000
}

pub unsafe fn fail(text_ptr: *const u8, text_len: usize) -> i32 {
    let text = String::from_utf8_lossy(&data(text_ptr, text_len)).into_owned();
    with(|s| s.failed = Some(text));
    FAILED
}

pub unsafe fn read(_ptr: *mut u8, _offset: usize, _len: usize) -> i32 {
    0
}
