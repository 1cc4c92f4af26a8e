//! The imports of the host functions in sdk/ABI.md. azuhost.zig wraps them.

pub extern "azu" fn send(conn: u64, kind: i32, data_ptr: [*]const u8, data_len: usize) i32;
pub extern "azu" fn broadcast(room_ptr: [*]const u8, room_len: usize, kind: i32, data_ptr: [*]const u8, data_len: usize, except: u64) i32;
pub extern "azu" fn broadcast_all(kind: i32, data_ptr: [*]const u8, data_len: usize, except: u64) i32;
pub extern "azu" fn send_user(user_ptr: [*]const u8, user_len: usize, kind: i32, data_ptr: [*]const u8, data_len: usize) i32;
pub extern "azu" fn send_users(users_ptr: [*]const u8, users_len: usize, kind: i32, data_ptr: [*]const u8, data_len: usize) i32;
pub extern "azu" fn close(conn: u64, code: i32, reason_ptr: [*]const u8, reason_len: usize) i32;

pub extern "azu" fn join(conn: u64, room_ptr: [*]const u8, room_len: usize) i32;
pub extern "azu" fn leave(conn: u64, room_ptr: [*]const u8, room_len: usize) i32;
pub extern "azu" fn room_size(room_ptr: [*]const u8, room_len: usize) i32;
pub extern "azu" fn room_members(room_ptr: [*]const u8, room_len: usize, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn room_users(room_ptr: [*]const u8, room_len: usize, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn rooms(conn: u64, buf: [*]u8, cap: usize) i32;

pub extern "azu" fn identify(conn: u64, user_ptr: [*]const u8, user_len: usize) i32;
pub extern "azu" fn user(conn: u64, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn online(user_ptr: [*]const u8, user_len: usize) i32;
pub extern "azu" fn users(buf: [*]u8, cap: usize) i32;

pub extern "azu" fn param(conn: u64, name_ptr: [*]const u8, name_len: usize, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn query(conn: u64, name_ptr: [*]const u8, name_len: usize, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn header(conn: u64, name_ptr: [*]const u8, name_len: usize, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn remote_addr(conn: u64, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn subprotocol(conn: u64, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn claims(conn: u64, buf: [*]u8, cap: usize) i32;

pub extern "azu" fn value_get(conn: u64, key_ptr: [*]const u8, key_len: usize, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn value_set(conn: u64, key_ptr: [*]const u8, key_len: usize, data_ptr: [*]const u8, data_len: usize) i32;
pub extern "azu" fn value_delete(conn: u64, key_ptr: [*]const u8, key_len: usize) i32;

pub extern "azu" fn store_get(key_ptr: [*]const u8, key_len: usize, buf: [*]u8, cap: usize) i32;
pub extern "azu" fn store_set(key_ptr: [*]const u8, key_len: usize, data_ptr: [*]const u8, data_len: usize, ttl_ms: i64) i32;
pub extern "azu" fn store_delete(key_ptr: [*]const u8, key_len: usize) i32;
pub extern "azu" fn store_add(key_ptr: [*]const u8, key_len: usize, delta: i64, ttl_ms: i64, result: *i64) i32;

pub extern "azu" fn timer_set(conn: u64, name_ptr: [*]const u8, name_len: usize, after_ms: i64) i32;
pub extern "azu" fn timer_clear(conn: u64, name_ptr: [*]const u8, name_len: usize) i32;

pub extern "azu" fn log(level: i32, text_ptr: [*]const u8, text_len: usize) i32;
pub extern "azu" fn metric(op: i32, name_ptr: [*]const u8, name_len: usize, labels_ptr: [*]const u8, labels_len: usize, value: f64) i32;
pub extern "azu" fn now() i64;
pub extern "azu" fn fail(text_ptr: [*]const u8, text_len: usize) i32;
pub extern "azu" fn read(ptr: [*]u8, offset: usize, len: usize) i32;
