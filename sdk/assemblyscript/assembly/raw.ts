// The imports of the host functions in sdk/ABI.md. The other files wrap them.

// @ts-ignore: decorator
@external("azu", "send") export declare function send(conn: u64, kind: i32, data_ptr: usize, data_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "broadcast") export declare function broadcast(room_ptr: usize, room_len: usize, kind: i32, data_ptr: usize, data_len: usize, except: u64): i32;
// @ts-ignore: decorator
@external("azu", "broadcast_all") export declare function broadcast_all(kind: i32, data_ptr: usize, data_len: usize, except: u64): i32;
// @ts-ignore: decorator
@external("azu", "send_user") export declare function send_user(user_ptr: usize, user_len: usize, kind: i32, data_ptr: usize, data_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "send_users") export declare function send_users(users_ptr: usize, users_len: usize, kind: i32, data_ptr: usize, data_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "close") export declare function close(conn: u64, code: i32, reason_ptr: usize, reason_len: usize): i32;

// @ts-ignore: decorator
@external("azu", "join") export declare function join(conn: u64, room_ptr: usize, room_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "leave") export declare function leave(conn: u64, room_ptr: usize, room_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "room_size") export declare function room_size(room_ptr: usize, room_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "room_members") export declare function room_members(room_ptr: usize, room_len: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "room_users") export declare function room_users(room_ptr: usize, room_len: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "rooms") export declare function rooms(conn: u64, buf: usize, cap: usize): i32;

// @ts-ignore: decorator
@external("azu", "identify") export declare function identify(conn: u64, user_ptr: usize, user_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "user") export declare function user(conn: u64, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "online") export declare function online(user_ptr: usize, user_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "users") export declare function users(buf: usize, cap: usize): i32;

// @ts-ignore: decorator
@external("azu", "param") export declare function param(conn: u64, name_ptr: usize, name_len: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "query") export declare function query(conn: u64, name_ptr: usize, name_len: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "header") export declare function header(conn: u64, name_ptr: usize, name_len: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "remote_addr") export declare function remote_addr(conn: u64, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "subprotocol") export declare function subprotocol(conn: u64, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "claims") export declare function claims(conn: u64, buf: usize, cap: usize): i32;

// @ts-ignore: decorator
@external("azu", "value_get") export declare function value_get(conn: u64, key_ptr: usize, key_len: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "value_set") export declare function value_set(conn: u64, key_ptr: usize, key_len: usize, data_ptr: usize, data_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "value_delete") export declare function value_delete(conn: u64, key_ptr: usize, key_len: usize): i32;

// @ts-ignore: decorator
@external("azu", "store_get") export declare function store_get(key_ptr: usize, key_len: usize, buf: usize, cap: usize): i32;
// @ts-ignore: decorator
@external("azu", "store_set") export declare function store_set(key_ptr: usize, key_len: usize, data_ptr: usize, data_len: usize, ttl_ms: i64): i32;
// @ts-ignore: decorator
@external("azu", "store_delete") export declare function store_delete(key_ptr: usize, key_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "store_add") export declare function store_add(key_ptr: usize, key_len: usize, delta: i64, ttl_ms: i64, result: usize): i32;

// @ts-ignore: decorator
@external("azu", "timer_set") export declare function timer_set(conn: u64, name_ptr: usize, name_len: usize, after_ms: i64): i32;
// @ts-ignore: decorator
@external("azu", "timer_clear") export declare function timer_clear(conn: u64, name_ptr: usize, name_len: usize): i32;

// @ts-ignore: decorator
@external("azu", "log") export declare function log(level: i32, text_ptr: usize, text_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "metric") export declare function metric(op: i32, name_ptr: usize, name_len: usize, labels_ptr: usize, labels_len: usize, value: f64): i32;
// @ts-ignore: decorator
@external("azu", "now") export declare function now(): i64;
// @ts-ignore: decorator
@external("azu", "fail") export declare function fail(text_ptr: usize, text_len: usize): i32;
// @ts-ignore: decorator
@external("azu", "read") export declare function read(ptr: usize, offset: usize, len: usize): i32;
