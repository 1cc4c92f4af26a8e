;; The imports of the host functions in sdk/ABI.md. WAT has no include: copy the lines of the functions that a module
;; calls to its beginning.
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
  (import "azu" "read" (func $read (param $ptr i32) (param $offset i32) (param $len i32) (result i32))))
