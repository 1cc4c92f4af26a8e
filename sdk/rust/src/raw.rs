//! The imports of the host functions in `sdk/ABI.md`. The type of a length is `usize`, which has 32 bits in a guest.

// A test compares the declarations with the ABI, line by line.
#[rustfmt::skip]
#[cfg(target_arch = "wasm32")]
#[link(wasm_import_module = "azu")]
extern "C" {
    pub fn send(conn: u64, kind: i32, data_ptr: *const u8, data_len: usize) -> i32;
    pub fn broadcast(room_ptr: *const u8, room_len: usize, kind: i32, data_ptr: *const u8, data_len: usize, except: u64) -> i32;
    pub fn broadcast_all(kind: i32, data_ptr: *const u8, data_len: usize, except: u64) -> i32;
    pub fn send_user(user_ptr: *const u8, user_len: usize, kind: i32, data_ptr: *const u8, data_len: usize) -> i32;
    pub fn send_users(users_ptr: *const u8, users_len: usize, kind: i32, data_ptr: *const u8, data_len: usize) -> i32;
    pub fn close(conn: u64, code: i32, reason_ptr: *const u8, reason_len: usize) -> i32;

    pub fn join(conn: u64, room_ptr: *const u8, room_len: usize) -> i32;
    pub fn leave(conn: u64, room_ptr: *const u8, room_len: usize) -> i32;
    pub fn room_size(room_ptr: *const u8, room_len: usize) -> i32;
    pub fn room_members(room_ptr: *const u8, room_len: usize, buf: *mut u8, cap: usize) -> i32;
    pub fn room_users(room_ptr: *const u8, room_len: usize, buf: *mut u8, cap: usize) -> i32;
    pub fn rooms(conn: u64, buf: *mut u8, cap: usize) -> i32;

    pub fn identify(conn: u64, user_ptr: *const u8, user_len: usize) -> i32;
    pub fn user(conn: u64, buf: *mut u8, cap: usize) -> i32;
    pub fn online(user_ptr: *const u8, user_len: usize) -> i32;
    pub fn users(buf: *mut u8, cap: usize) -> i32;

    pub fn param(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32;
    pub fn query(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32;
    pub fn header(conn: u64, name_ptr: *const u8, name_len: usize, buf: *mut u8, cap: usize) -> i32;
    pub fn remote_addr(conn: u64, buf: *mut u8, cap: usize) -> i32;
    pub fn subprotocol(conn: u64, buf: *mut u8, cap: usize) -> i32;
    pub fn claims(conn: u64, buf: *mut u8, cap: usize) -> i32;

    pub fn value_get(conn: u64, key_ptr: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32;
    pub fn value_set(conn: u64, key_ptr: *const u8, key_len: usize, data_ptr: *const u8, data_len: usize) -> i32;
    pub fn value_delete(conn: u64, key_ptr: *const u8, key_len: usize) -> i32;

    pub fn store_get(key_ptr: *const u8, key_len: usize, buf: *mut u8, cap: usize) -> i32;
    pub fn store_set(key_ptr: *const u8, key_len: usize, data_ptr: *const u8, data_len: usize, ttl_ms: i64) -> i32;
    pub fn store_delete(key_ptr: *const u8, key_len: usize) -> i32;
    pub fn store_add(key_ptr: *const u8, key_len: usize, delta: i64, ttl_ms: i64, result: *mut i64) -> i32;

    pub fn timer_set(conn: u64, name_ptr: *const u8, name_len: usize, after_ms: i64) -> i32;
    pub fn timer_clear(conn: u64, name_ptr: *const u8, name_len: usize) -> i32;

    pub fn log(level: i32, text_ptr: *const u8, text_len: usize) -> i32;
    pub fn metric(op: i32, name_ptr: *const u8, name_len: usize, labels_ptr: *const u8, labels_len: usize, value: f64) -> i32;
    pub fn now() -> i64;
    pub fn fail(text_ptr: *const u8, text_len: usize) -> i32;
    pub fn read(ptr: *mut u8, offset: usize, len: usize) -> i32;
}

// On native targets the functions are those of the fake host.
#[cfg(not(target_arch = "wasm32"))]
pub use crate::testing::raw::*;
