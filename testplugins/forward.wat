;; forward calls the host function whose index in abi.Imports is the first byte of
;; a message, with the arguments that follow from byte 8 on, 8 bytes each. The
;; result goes to address 0. A test generates this file: go test -run Forward -update
(module
  (import "azu" "send" (func $send (param $conn i64) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (result i32)))
  (import "azu" "broadcast" (func $broadcast (param $room_ptr i32) (param $room_len i32) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (param $except i64) (result i32)))
  (import "azu" "broadcast_all" (func $broadcast_all (param $kind i32) (param $data_ptr i32) (param $data_len i32) (param $except i64) (result i32)))
  (import "azu" "send_user" (func $send_user (param $user_ptr i32) (param $user_len i32) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (result i32)))
  (import "azu" "send_users" (func $send_users (param $users_ptr i32) (param $users_len i32) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (result i32)))
  (import "azu" "close" (func $close (param $conn i64) (param $code i32) (param $reason_ptr i32) (param $reason_len i32) (result i32)))
  (import "azu" "join" (func $join (param $conn i64) (param $room_ptr i32) (param $room_len i32) (result i32)))
  (import "azu" "leave" (func $leave (param $conn i64) (param $room_ptr i32) (param $room_len i32) (result i32)))
  (import "azu" "room_size" (func $room_size (param $room_ptr i32) (param $room_len i32) (result i32)))
  (import "azu" "room_members" (func $room_members (param $room_ptr i32) (param $room_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "room_users" (func $room_users (param $room_ptr i32) (param $room_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "rooms" (func $rooms (param $conn i64) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "identify" (func $identify (param $conn i64) (param $user_ptr i32) (param $user_len i32) (result i32)))
  (import "azu" "user" (func $user (param $conn i64) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "online" (func $online (param $user_ptr i32) (param $user_len i32) (result i32)))
  (import "azu" "users" (func $users (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "param" (func $param (param $conn i64) (param $name_ptr i32) (param $name_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "query" (func $query (param $conn i64) (param $name_ptr i32) (param $name_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "header" (func $header (param $conn i64) (param $name_ptr i32) (param $name_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "remote_addr" (func $remote_addr (param $conn i64) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "subprotocol" (func $subprotocol (param $conn i64) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "claims" (func $claims (param $conn i64) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "value_get" (func $value_get (param $conn i64) (param $key_ptr i32) (param $key_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "value_set" (func $value_set (param $conn i64) (param $key_ptr i32) (param $key_len i32) (param $data_ptr i32) (param $data_len i32) (result i32)))
  (import "azu" "value_delete" (func $value_delete (param $conn i64) (param $key_ptr i32) (param $key_len i32) (result i32)))
  (import "azu" "store_get" (func $store_get (param $key_ptr i32) (param $key_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "store_set" (func $store_set (param $key_ptr i32) (param $key_len i32) (param $data_ptr i32) (param $data_len i32) (param $ttl_ms i64) (result i32)))
  (import "azu" "store_delete" (func $store_delete (param $key_ptr i32) (param $key_len i32) (result i32)))
  (import "azu" "store_add" (func $store_add (param $key_ptr i32) (param $key_len i32) (param $delta i64) (param $ttl_ms i64) (param $result i32) (result i32)))
  (import "azu" "timer_set" (func $timer_set (param $conn i64) (param $name_ptr i32) (param $name_len i32) (param $after_ms i64) (result i32)))
  (import "azu" "timer_clear" (func $timer_clear (param $conn i64) (param $name_ptr i32) (param $name_len i32) (result i32)))
  (import "azu" "log" (func $log (param $level i32) (param $text_ptr i32) (param $text_len i32) (result i32)))
  (import "azu" "metric" (func $metric (param $op i32) (param $name_ptr i32) (param $name_len i32) (param $labels_ptr i32) (param $labels_len i32) (param $value f64) (result i32)))
  (import "azu" "now" (func $now (result i64)))
  (import "azu" "fail" (func $fail (param $text_ptr i32) (param $text_len i32) (result i32)))
  (import "azu" "read" (func $read (param $ptr i32) (param $offset i32) (param $len i32) (result i32)))
  (memory (export "memory") 3)
  (func (export "azu_v1") (result i64) (i64.const 0x1000000010000))
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $r i64)
    (block $done
    (block $read
    (block $fail
    (block $now
    (block $metric
    (block $log
    (block $timer_clear
    (block $timer_set
    (block $store_add
    (block $store_delete
    (block $store_set
    (block $store_get
    (block $value_delete
    (block $value_set
    (block $value_get
    (block $claims
    (block $subprotocol
    (block $remote_addr
    (block $header
    (block $query
    (block $param
    (block $users
    (block $online
    (block $user
    (block $identify
    (block $rooms
    (block $room_users
    (block $room_members
    (block $room_size
    (block $leave
    (block $join
    (block $close
    (block $send_users
    (block $send_user
    (block $broadcast_all
    (block $broadcast
    (block $send
      (br_table $send $broadcast $broadcast_all $send_user $send_users $close $join $leave $room_size $room_members $room_users $rooms $identify $user $online $users $param $query $header $remote_addr $subprotocol $claims $value_get $value_set $value_delete $store_get $store_set $store_delete $store_add $timer_set $timer_clear $log $metric $now $fail $read $done (i32.load8_u (i32.const 65536))))
      (local.set $r (i64.extend_i32_s (call $send (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $broadcast (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576)) (i64.load (i32.const 65584))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $broadcast_all (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i64.load (i32.const 65568))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $send_user (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $send_users (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $close (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $join (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $leave (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $room_size (i32.load (i32.const 65544)) (i32.load (i32.const 65552))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $room_members (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $room_users (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $rooms (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $identify (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $user (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $online (i32.load (i32.const 65544)) (i32.load (i32.const 65552))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $users (i32.load (i32.const 65544)) (i32.load (i32.const 65552))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $param (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $query (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $header (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $remote_addr (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $subprotocol (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $claims (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $value_get (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $value_set (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $value_delete (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $store_get (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $store_set (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i64.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $store_delete (i32.load (i32.const 65544)) (i32.load (i32.const 65552))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $store_add (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i64.load (i32.const 65560)) (i64.load (i32.const 65568)) (i32.load (i32.const 65576))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $timer_set (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i64.load (i32.const 65568))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $timer_clear (i64.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $log (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $metric (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560)) (i32.load (i32.const 65568)) (i32.load (i32.const 65576)) (f64.load (i32.const 65584))))) (br $done))
      (local.set $r (call $now)) (br $done))
      (local.set $r (i64.extend_i32_s (call $fail (i32.load (i32.const 65544)) (i32.load (i32.const 65552))))) (br $done))
      (local.set $r (i64.extend_i32_s (call $read (i32.load (i32.const 65544)) (i32.load (i32.const 65552)) (i32.load (i32.const 65560))))))
    (i64.store (i32.const 0) (local.get $r))
    (i32.const 0)))
