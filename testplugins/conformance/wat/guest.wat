;; The conformance guest written by hand, with the host functions that the SDKs use. ../README.md
;; describes what it does.
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

  ;; Memory: 0x003f0 a name, 0x00400 numbers, 0x00500 names of commands, 0x00c00 names of errors,
  ;; 0x01000 the event, 0x04000 the config, 0x08000 lists, 0x10000 the inbox, 0x80000 ids and stored
  ;; scripts, 0x100000 the answer, 0x200000 an event larger than the inbox.
  (memory (export "memory") 64)
  (data (i32.const 0x3f0) "missing")
  (data (i32.const 0x420) "on_close\00\00\00\00\00\00\00\00on_timer\00\00\00\00\00\00\00\00on_ping\00\00\00\00\00\00\00\00\00on_pong\00\00\00\00\00\00\00\00\00on_presence\00\00\00\00\00on_publish\00\00\00\00\00\00do")
  (data (i32.const 0x500)
    "send\00send_binary\00send_to\00broadcast\00broadcast_except\00broadcast_all\00broadcast_all_except\00send_user\00"
    "send_users\00close\00join\00leave\00identify\00value_set\00value_delete\00store_set\00store_delete\00timer_set\00"
    "timer_clear\00channel_timer_set\00channel_timer_clear\00log\00counter_add\00gauge_set\00histogram_observe\00"
    "user\00param\00query\00header\00remote_addr\00subprotocol\00claims\00value_get\00store_get\00room_users\00"
    "rooms\00users\00room_size\00online\00room_members\00store_add\00now\00id\00event\00config\00count\00errno\00"
    "fail\00refuse\00refuse_close\00propagate\00trap\00\00")
  (data (i32.const 0xc00) "INVALID\00NOT_FOUND\00PERM\00LIMIT\00STATE\00TIMEOUT\00UNAVAILABLE\00FAILED\00")
  (data (i32.const 0xc80) "text binary ")
  (global $answer i32 (i32.const 0x100000))
  (global $got i32 (i32.const 0x100001)) ;; after the = of the answer
  (global $room i32 (i32.const 0xfffff))
  (global $len (mut i32) (i32.const 0)) ;; of the answer
  (global $event_len (mut i32) (i32.const 0))
  (global $config_len (mut i32) (i32.const 0))
  (global $count (mut i64) (i64.const 0))

  (func (export "azu_v1") (result i64) (i64.const 0x0001_0000_0001_0000))

  ;; inbox returns the address of the event. It fetches an event larger than the inbox.
  (func $inbox (param $len i32) (result i32)
    (if (i32.le_u (local.get $len) (i32.const 0x10000)) (then (return (i32.const 0x10000))))
    (drop (call $read (i32.const 0x200000) (i32.const 0) (local.get $len)))
    (i32.const 0x200000))

  ;; find returns the address of the next $c, or $end.
  (func $find (param $p i32) (param $end i32) (param $c i32) (result i32)
    (loop $next
      (if (i32.lt_u (local.get $p) (local.get $end))
        (then (if (i32.ne (i32.load8_u (local.get $p)) (local.get $c))
          (then (local.set $p (i32.add (local.get $p) (i32.const 1))) (br $next))))))
    (local.get $p))

  (func $replace (param $p i32) (param $n i32) (param $from i32) (param $to i32)
    (local $end i32)
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (loop $next
      (local.set $p (call $find (local.get $p) (local.get $end) (local.get $from)))
      (if (i32.lt_u (local.get $p) (local.get $end))
        (then (i32.store8 (local.get $p) (local.get $to)) (br $next)))))

  ;; lines copies a list and replaces its commas with newlines.
  (func $lines (param $p i32) (param $n i32) (result i32)
    (memory.copy (i32.const 0x8000) (local.get $p) (local.get $n))
    (call $replace (i32.const 0x8000) (local.get $n) (i32.const 44) (i32.const 10))
    (i32.const 0x8000))

  ;; number parses a decimal number.
  (func $number (param $p i32) (param $n i32) (result i64)
    (local $end i32) (local $v i64) (local $sign i64)
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (local.set $sign (i64.const 1))
    (if (i32.eqz (local.get $n)) (then (return (i64.const 0))))
    (if (i32.eq (i32.load8_u (local.get $p)) (i32.const 45))
      (then (local.set $sign (i64.const -1)) (local.set $p (i32.add (local.get $p) (i32.const 1)))))
    (loop $next
      (if (i32.lt_u (local.get $p) (local.get $end))
        (then
          (local.set $v (i64.add (i64.mul (local.get $v) (i64.const 10)) (i64.extend_i32_u (i32.sub (i32.load8_u (local.get $p)) (i32.const 48)))))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $next))))
    (i64.mul (local.get $v) (local.get $sign)))

  ;; digits writes a decimal number at $p and returns the address after it.
  (func $digits (param $p i32) (param $v i64) (result i32)
    (if (i64.lt_s (local.get $v) (i64.const 0))
      (then
        (i32.store8 (local.get $p) (i32.const 45))
        (return (call $digits (i32.add (local.get $p) (i32.const 1)) (i64.sub (i64.const 0) (local.get $v))))))
    (if (i64.ge_u (local.get $v) (i64.const 10))
      (then (local.set $p (call $digits (local.get $p) (i64.div_u (local.get $v) (i64.const 10))))))
    (i32.store8 (local.get $p) (i32.add (i32.const 48) (i32.wrap_i64 (i64.rem_u (local.get $v) (i64.const 10)))))
    (i32.add (local.get $p) (i32.const 1)))

  ;; command returns the index of a word in the table of commands; -1: it is none.
  (func $command (param $p i32) (param $n i32) (result i32)
    (local $t i32) (local $i i32) (local $k i32)
    (local.set $t (i32.const 0x500))
    (loop $entry
      (if (i32.eqz (i32.load8_u (local.get $t))) (then (return (i32.const -1))))
      (local.set $k (i32.const 0))
      (block $other
        (loop $byte
          (if (i32.eq (local.get $k) (local.get $n))
            (then
              (br_if $other (i32.load8_u (i32.add (local.get $t) (local.get $k))))
              (return (local.get $i))))
          (br_if $other (i32.ne (i32.load8_u (i32.add (local.get $t) (local.get $k))) (i32.load8_u (i32.add (local.get $p) (local.get $k)))))
          (local.set $k (i32.add (local.get $k) (i32.const 1)))
          (br $byte)))
      (local.set $t (i32.add (call $find (local.get $t) (i32.const 0xc00) (i32.const 0)) (i32.const 1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $entry))
    (unreachable))

  ;; error answers with ! and the name of an error.
  (func $error (param $e i32)
    (local $t i32) (local $end i32)
    (local.set $t (i32.const 0xc00))
    (loop $next
      (local.set $end (call $find (local.get $t) (i32.const 0xd00) (i32.const 0)))
      (local.set $e (i32.add (local.get $e) (i32.const 1)))
      (if (local.get $e) (then (local.set $t (i32.add (local.get $end) (i32.const 1))) (br $next))))
    (i32.store8 (global.get $answer) (i32.const 33))
    (global.set $len (i32.add (i32.sub (local.get $end) (local.get $t)) (i32.const 1)))
    (memory.copy (global.get $got) (local.get $t) (i32.sub (local.get $end) (local.get $t))))

  ;; value, num and bytes answer with = and the bytes at $got, a number, or some bytes.
  (func $value (param $n i32)
    (i32.store8 (global.get $answer) (i32.const 61))
    (global.set $len (i32.add (local.get $n) (i32.const 1))))
  (func $num (param $v i64) (call $value (i32.sub (call $digits (global.get $got) (local.get $v)) (global.get $got))))
  (func $bytes (param $p i32) (param $n i32)
    (memory.copy (global.get $got) (local.get $p) (local.get $n))
    (call $value (local.get $n)))

  (func $members (param $n i32)
    (local $p i32) (local $id i32)
    (local.set $p (global.get $got))
    (local.set $id (i32.const 0x80000))
    (loop $next
      (if (i32.lt_u (local.get $id) (i32.add (i32.const 0x80000) (local.get $n)))
        (then
          (local.set $p (call $digits (local.get $p) (i64.load (local.get $id))))
          (i32.store8 (local.get $p) (i32.const 44))
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (local.set $id (i32.add (local.get $id) (i32.const 8)))
          (br $next))))
    (call $value (select (i32.const 0) (i32.sub (i32.sub (local.get $p) (global.get $got)) (i32.const 1)) (i32.eqz (local.get $n)))))

  ;; do runs the host function of a command and returns its result.
  (func $do (param $conn i64) (param $i i32) (param $a i32) (param $al i32) (param $b i32) (param $bl i32) (param $c i32) (param $cl i32) (result i32)
    (if (i32.eq (local.get $i) (i32.const 0)) ;; send
      (then (return (call $send (local.get $conn) (i32.const 1) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 1)) ;; send_binary
      (then (return (call $send (local.get $conn) (i32.const 2) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 2)) ;; send_to
      (then (return (call $send (call $number (local.get $a) (local.get $al)) (i32.const 1) (local.get $b) (local.get $bl)))))
    (if (i32.eq (local.get $i) (i32.const 3)) ;; broadcast
      (then (return (call $broadcast (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl) (i64.const 0)))))
    (if (i32.eq (local.get $i) (i32.const 4)) ;; broadcast_except
      (then (return (call $broadcast (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl) (local.get $conn)))))
    (if (i32.eq (local.get $i) (i32.const 5)) ;; broadcast_all
      (then (return (call $broadcast_all (i32.const 1) (local.get $a) (local.get $al) (i64.const 0)))))
    (if (i32.eq (local.get $i) (i32.const 6)) ;; broadcast_all_except
      (then (return (call $broadcast_all (i32.const 1) (local.get $a) (local.get $al) (local.get $conn)))))
    (if (i32.eq (local.get $i) (i32.const 7)) ;; send_user
      (then (return (call $send_user (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl)))))
    (if (i32.eq (local.get $i) (i32.const 8)) ;; send_users
      (then (return (call $send_users (call $lines (local.get $a) (local.get $al)) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl)))))
    (if (i32.eq (local.get $i) (i32.const 9)) ;; close
      (then (return (call $close (local.get $conn) (i32.wrap_i64 (call $number (local.get $a) (local.get $al))) (local.get $b) (local.get $bl)))))
    (if (i32.eq (local.get $i) (i32.const 10)) ;; join
      (then (return (call $join (local.get $conn) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 11)) ;; leave
      (then (return (call $leave (local.get $conn) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 12)) ;; identify
      (then (return (call $identify (local.get $conn) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 13)) ;; value_set
      (then (return (call $value_set (local.get $conn) (local.get $a) (local.get $al) (local.get $b) (local.get $bl)))))
    (if (i32.eq (local.get $i) (i32.const 14)) ;; value_delete
      (then (return (call $value_delete (local.get $conn) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 15)) ;; store_set
      (then (return (call $store_set (local.get $a) (local.get $al) (local.get $b) (local.get $bl) (call $number (local.get $c) (local.get $cl))))))
    (if (i32.eq (local.get $i) (i32.const 16)) ;; store_delete
      (then (return (call $store_delete (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 17)) ;; timer_set
      (then (return (call $timer_set (local.get $conn) (local.get $a) (local.get $al) (call $number (local.get $b) (local.get $bl))))))
    (if (i32.eq (local.get $i) (i32.const 18)) ;; timer_clear
      (then (return (call $timer_clear (local.get $conn) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 19)) ;; channel_timer_set
      (then (return (call $timer_set (i64.const 0) (local.get $a) (local.get $al) (call $number (local.get $b) (local.get $bl))))))
    (if (i32.eq (local.get $i) (i32.const 20)) ;; channel_timer_clear
      (then (return (call $timer_clear (i64.const 0) (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 21)) ;; log
      (then (return (call $log (i32.wrap_i64 (call $number (local.get $a) (local.get $al))) (local.get $b) (local.get $bl)))))
    (if (i32.eq (local.get $i) (i32.const 22)) ;; counter_add
      (then (return (call $metric (i32.const 0) (local.get $a) (local.get $al) (call $lines (local.get $c) (local.get $cl)) (local.get $cl) (f64.convert_i64_s (call $number (local.get $b) (local.get $bl)))))))
    (if (i32.eq (local.get $i) (i32.const 23)) ;; gauge_set
      (then (return (call $metric (i32.const 1) (local.get $a) (local.get $al) (call $lines (local.get $c) (local.get $cl)) (local.get $cl) (f64.convert_i64_s (call $number (local.get $b) (local.get $bl)))))))
    (if (i32.eq (local.get $i) (i32.const 24)) ;; histogram_observe
      (then (return (call $metric (i32.const 2) (local.get $a) (local.get $al) (call $lines (local.get $c) (local.get $cl)) (local.get $cl) (f64.convert_i64_s (call $number (local.get $b) (local.get $bl)))))))
    (if (i32.eq (local.get $i) (i32.const 25)) ;; user
      (then (return (call $user (local.get $conn) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 26)) ;; param
      (then (return (call $param (local.get $conn) (local.get $a) (local.get $al) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 27)) ;; query
      (then (return (call $query (local.get $conn) (local.get $a) (local.get $al) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 28)) ;; header
      (then (return (call $header (local.get $conn) (local.get $a) (local.get $al) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 29)) ;; remote_addr
      (then (return (call $remote_addr (local.get $conn) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 30)) ;; subprotocol
      (then (return (call $subprotocol (local.get $conn) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 31)) ;; claims
      (then (return (call $claims (local.get $conn) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 32)) ;; value_get
      (then (return (call $value_get (local.get $conn) (local.get $a) (local.get $al) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 33)) ;; store_get
      (then (return (call $store_get (local.get $a) (local.get $al) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 34)) ;; room_users
      (then (return (call $room_users (local.get $a) (local.get $al) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 35)) ;; rooms
      (then (return (call $rooms (local.get $conn) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 36)) ;; users
      (then (return (call $users (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 37)) ;; room_size
      (then (return (call $room_size (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 38)) ;; online
      (then (return (call $online (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 39)) ;; room_members
      (then (return (call $room_members (local.get $a) (local.get $al) (i32.const 0x80000) (i32.const 0x10000)))))
    (if (i32.eq (local.get $i) (i32.const 40)) ;; store_add
      (then (return (call $store_add (local.get $a) (local.get $al) (call $number (local.get $b) (local.get $bl)) (call $number (local.get $c) (local.get $cl)) (i32.const 0x400)))))
    (if (i32.eq (local.get $i) (i32.const 46)) ;; errno
      (then (return (i32.wrap_i64 (call $number (local.get $a) (local.get $al))))))
    (if (i32.eq (local.get $i) (i32.const 47)) ;; fail
      (then (return (call $fail (local.get $a) (local.get $al)))))
    (if (i32.eq (local.get $i) (i32.const 50)) ;; propagate
      (then (return (call $value_get (local.get $conn) (i32.const 0x3f0) (i32.const 7) (global.get $got) (global.get $room)))))
    (if (i32.eq (local.get $i) (i32.const 51)) (then unreachable))
    (i32.const 0))

  ;; one runs a command and prepares its answer. A result other than 0 ends the hook with that result.
  (func $one (param $conn i64) (param $p i32) (param $end i32) (param $sep i32) (result i32)
    (local $w i32) (local $a i32) (local $ae i32) (local $b i32) (local $be i32) (local $c i32) (local $i i32) (local $r i32)
    (local.set $w (call $find (local.get $p) (local.get $end) (local.get $sep)))
    (local.set $a (call $after (local.get $w) (local.get $end)))
    (local.set $ae (call $find (local.get $a) (local.get $end) (local.get $sep)))
    (local.set $b (call $after (local.get $ae) (local.get $end)))
    (local.set $be (call $find (local.get $b) (local.get $end) (local.get $sep)))
    (local.set $c (call $after (local.get $be) (local.get $end)))
    (local.set $i (call $command (local.get $p) (i32.sub (local.get $w) (local.get $p))))
    (if (i32.eq (local.get $i) (i32.const 48)) (then (return (call $within (call $number (local.get $a) (i32.sub (local.get $ae) (local.get $a))) (i64.const 400) (i64.const 599)))))
    (if (i32.eq (local.get $i) (i32.const 49)) (then (return (call $within (call $number (local.get $a) (i32.sub (local.get $ae) (local.get $a))) (i64.const 3000) (i64.const 4999)))))
    (local.set $r (call $do (local.get $conn) (local.get $i) (local.get $a) (i32.sub (local.get $ae) (local.get $a))
      (local.get $b) (i32.sub (local.get $be) (local.get $b)) (local.get $c) (i32.sub (local.get $end) (local.get $c))))
    (if (i32.or (i32.eq (local.get $i) (i32.const 47)) (i32.eq (local.get $i) (i32.const 50))) (then (return (local.get $r))))
    (if (i32.lt_s (local.get $r) (i32.const 0)) (then (call $error (local.get $r)) (return (i32.const 0))))
    (if (i32.lt_u (local.get $i) (i32.const 25))
      (then (i32.store16 (global.get $answer) (i32.const 0x6b6f)) (global.set $len (i32.const 2)) (return (i32.const 0)))) ;; ok
    (if (i32.lt_u (local.get $i) (i32.const 37)) (then (call $value (local.get $r))))
    (if (i32.and (i32.ge_u (local.get $i) (i32.const 34)) (i32.le_u (local.get $i) (i32.const 36)))
      (then (call $replace (global.get $got) (local.get $r) (i32.const 10) (i32.const 44))))
    (if (i32.or (i32.eq (local.get $i) (i32.const 37)) (i32.eq (local.get $i) (i32.const 38))) (then (call $num (i64.extend_i32_s (local.get $r)))))
    (if (i32.eq (local.get $i) (i32.const 39)) (then (call $members (local.get $r))))
    (if (i32.eq (local.get $i) (i32.const 40)) (then (call $num (i64.load (i32.const 0x400)))))
    (if (i32.eq (local.get $i) (i32.const 41)) (then (call $num (call $now))))
    (if (i32.eq (local.get $i) (i32.const 42)) (then (call $num (local.get $conn))))
    (if (i32.eq (local.get $i) (i32.const 43)) (then (call $bytes (i32.const 0x1000) (global.get $event_len))))
    (if (i32.eq (local.get $i) (i32.const 44)) (then (call $bytes (i32.const 0x4000) (global.get $config_len))))
    (if (i32.eq (local.get $i) (i32.const 45))
      (then (global.set $count (i64.add (global.get $count) (i64.const 1))) (call $num (global.get $count))))
    (if (i32.eq (local.get $i) (i32.const -1)) (then (call $bytes (local.get $p) (i32.sub (local.get $w) (local.get $p))) (i32.store8 (global.get $answer) (i32.const 63))))
    (i32.const 0))

  ;; after returns the address after a separator at $p, or $end without one.
  (func $after (param $p i32) (param $end i32) (result i32)
    (select (i32.add (local.get $p) (i32.const 1)) (local.get $end) (i32.lt_u (local.get $p) (local.get $end))))

  ;; within returns $n if it is in the range of a refusal, else INVALID.
  (func $within (param $n i64) (param $min i64) (param $max i64) (result i32)
    (select (i32.wrap_i64 (local.get $n)) (i32.const -1)
      (i32.and (i64.ge_s (local.get $n) (local.get $min)) (i64.le_s (local.get $n) (local.get $max)))))

  ;; run runs the commands of a script. The answers go to a connection, or to all.
  (func $run (param $conn i64) (param $all i32) (param $p i32) (param $n i32) (param $semicolon i32) (param $bar i32) (result i32)
    (local $end i32) (local $e i32) (local $r i32)
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (loop $next
      (local.set $e (call $find (local.get $p) (local.get $end) (local.get $semicolon)))
      (local.set $r (call $one (local.get $conn) (local.get $p) (local.get $e) (local.get $bar)))
      (if (local.get $r) (then (return (local.get $r))))
      (if (local.get $all)
        (then (local.set $r (call $broadcast_all (i32.const 1) (global.get $answer) (global.get $len) (i64.const 0))))
        (else (local.set $r (call $send (local.get $conn) (i32.const 1) (global.get $answer) (global.get $len)))))
      (if (local.get $r) (then (return (local.get $r))))
      (local.set $p (i32.add (local.get $e) (i32.const 1)))
      (br_if $next (i32.lt_u (local.get $e) (local.get $end))))
    (i32.const 0))

  ;; stored runs the script of a hook from the store, if there is one.
  (func $stored (param $conn i64) (param $all i32) (param $name i32) (param $n i32) (result i32)
    (local.set $n (call $store_get (local.get $name) (local.get $n) (i32.const 0x80000) (i32.const 0x10000)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (i32.const 0))))
    (call $run (local.get $conn) (local.get $all) (i32.const 0x80000) (local.get $n) (i32.const 44) (i32.const 47)))

  ;; set sets the event to some bytes. The add functions append to it.
  (func $set (param $p i32) (param $n i32) (global.set $event_len (i32.const 0)) (call $add (local.get $p) (local.get $n)))
  (func $add (param $p i32) (param $n i32)
    (memory.copy (i32.add (i32.const 0x1000) (global.get $event_len)) (local.get $p) (local.get $n))
    (global.set $event_len (i32.add (global.get $event_len) (local.get $n))))
  (func $add_number (param $v i64)
    (global.set $event_len (i32.sub (call $digits (i32.add (i32.const 0x1000) (global.get $event_len)) (local.get $v)) (i32.const 0x1000))))
  (func $add_byte (param $c i32) (i32.store8 (i32.const 0x410) (local.get $c)) (call $add (i32.const 0x410) (i32.const 1)))
  ;; add_kind appends "text" or "binary".
  (func $add_kind (param $kind i32)
    (if (i32.eq (local.get $kind) (i32.const 1)) (then (call $add (i32.const 0xc80) (i32.const 4))) (else (call $add (i32.const 0xc85) (i32.const 6)))))

  (func (export "on_load") (param $len i32) (result i32)
    (global.set $config_len (local.get $len))
    (memory.copy (i32.const 0x4000) (call $inbox (local.get $len)) (local.get $len))
    (call $set (i32.const 0x4000) (local.get $len))
    (if (i32.or (i32.lt_u (local.get $len) (i32.const 9)) (i64.ne (i64.load (i32.const 0x3fff)) (i64.const 0x223a226f64227b00))) ;; {"do":"
      (then (return (i32.const 0))))
    (call $run (i64.const 0) (i32.const 1) (i32.const 0x4007) (i32.sub (local.get $len) (i32.const 9)) (i32.const 59) (i32.const 124)))

  (func (export "on_connect") (param $conn i64) (param $len i32) (result i32)
    (call $set (call $inbox (local.get $len)) (local.get $len))
    (local.set $len (call $query (local.get $conn) (i32.const 0x480) (i32.const 2) (i32.const 0x80000) (i32.const 0x10000)))
    (if (i32.lt_s (local.get $len) (i32.const 0)) (then (return (i32.const 0))))
    (call $run (local.get $conn) (i32.const 0) (i32.const 0x80000) (local.get $len) (i32.const 59) (i32.const 124)))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $p i32)
    (local.set $p (call $inbox (local.get $len)))
    (if (i32.or (i32.eqz (local.get $len)) (i32.eq (i32.load8_u (local.get $p)) (i32.const 35)))
      (then (return (call $send (local.get $conn) (local.get $kind) (local.get $p) (local.get $len)))))
    (global.set $event_len (i32.const 0))
    (call $add_kind (local.get $kind))
    (call $add_byte (i32.const 32))
    (call $add_number (i64.extend_i32_u (local.get $len)))
    (call $run (local.get $conn) (i32.const 0) (local.get $p) (local.get $len) (i32.const 59) (i32.const 124)))

  (func (export "on_close") (param $conn i64) (param $len i32) (param $code i32) (result i32)
    (global.set $event_len (i32.const 0))
    (call $add_number (i64.extend_i32_u (local.get $code)))
    (call $add_byte (i32.const 124))
    (call $add (call $inbox (local.get $len)) (local.get $len))
    (call $stored (local.get $conn) (i32.const 1) (i32.const 0x420) (i32.const 8)))

  (func (export "on_timer") (param $conn i64) (param $len i32) (result i32)
    (call $set (call $inbox (local.get $len)) (local.get $len))
    (call $stored (local.get $conn) (i64.eqz (local.get $conn)) (i32.const 0x430) (i32.const 8)))

  (func (export "on_ping") (param $conn i64) (param $len i32) (result i32)
    (call $set (call $inbox (local.get $len)) (local.get $len))
    (call $stored (local.get $conn) (i32.const 0) (i32.const 0x440) (i32.const 7)))

  (func (export "on_pong") (param $conn i64) (param $len i32) (result i32)
    (call $set (call $inbox (local.get $len)) (local.get $len))
    (call $stored (local.get $conn) (i32.const 0) (i32.const 0x450) (i32.const 7)))

  (func (export "on_presence") (param $len i32) (param $joined i32) (result i32)
    (call $set (call $inbox (local.get $len)) (local.get $len))
    (call $replace (i32.const 0x1000) (local.get $len) (i32.const 10) (i32.const 124))
    (call $add_byte (i32.const 124))
    (call $add_number (i64.extend_i32_u (local.get $joined)))
    (call $stored (i64.const 0) (i32.const 1) (i32.const 0x460) (i32.const 11)))

  (func (export "on_publish") (param $len i32) (param $kind i32) (result i32)
    (local $p i32) (local $end i32) (local $data i32)
    (local.set $p (call $inbox (local.get $len)))
    (local.set $end (i32.add (local.get $p) (local.get $len)))
    ;; The message follows the second line.
    (local.set $data (i32.add (call $find (i32.add (call $find (local.get $p) (local.get $end) (i32.const 10)) (i32.const 1)) (local.get $end) (i32.const 10)) (i32.const 1)))
    (call $set (local.get $p) (i32.sub (local.get $data) (local.get $p)))
    (call $replace (i32.const 0x1000) (global.get $event_len) (i32.const 10) (i32.const 124))
    (call $add_kind (local.get $kind))
    (call $add_byte (i32.const 124))
    (call $add (local.get $data) (i32.sub (local.get $end) (local.get $data)))
    (call $stored (i64.const 0) (i32.const 1) (i32.const 0x470) (i32.const 10))))
