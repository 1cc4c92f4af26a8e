;; host_script runs scripts: a message; in on_connect the query parameter "do"; in on_close the value
;; "bye" of the connection; in on_timer the name of the timer; in on_load the config {"do":"…"}.
;;
;; A script is a list of commands, separated by semicolons. A command is a word, a space, and one or two
;; arguments, separated by a bar. The words are those of conformance/README.md, and version and loop. A
;; getter sends the value as a text; lists have a line for each element, numbers are one digit. A command
;; that fails sends ! and the digit of its error. An unknown word traps.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "broadcast" (func $broadcast (param i32 i32 i32 i32 i32 i64) (result i32)))
  (import "azu" "broadcast_all" (func $broadcast_all (param i32 i32 i32 i64) (result i32)))
  (import "azu" "send_user" (func $send_user (param i32 i32 i32 i32 i32) (result i32)))
  (import "azu" "close" (func $close (param i64 i32 i32 i32) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "leave" (func $leave (param i64 i32 i32) (result i32)))
  (import "azu" "room_size" (func $room_size (param i32 i32) (result i32)))
  (import "azu" "room_members" (func $room_members (param i32 i32 i32 i32) (result i32)))
  (import "azu" "room_users" (func $room_users (param i32 i32 i32 i32) (result i32)))
  (import "azu" "rooms" (func $rooms (param i64 i32 i32) (result i32)))
  (import "azu" "identify" (func $identify (param i64 i32 i32) (result i32)))
  (import "azu" "user" (func $user (param i64 i32 i32) (result i32)))
  (import "azu" "online" (func $online (param i32 i32) (result i32)))
  (import "azu" "users" (func $users (param i32 i32) (result i32)))
  (import "azu" "param" (func $param (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "query" (func $query (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "header" (func $header (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "remote_addr" (func $remote_addr (param i64 i32 i32) (result i32)))
  (import "azu" "subprotocol" (func $subprotocol (param i64 i32 i32) (result i32)))
  (import "azu" "claims" (func $claims (param i64 i32 i32) (result i32)))
  (import "azu" "value_get" (func $value_get (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "value_set" (func $value_set (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "value_delete" (func $value_delete (param i64 i32 i32) (result i32)))
  (import "azu" "store_get" (func $store_get (param i32 i32 i32 i32) (result i32)))
  (import "azu" "store_set" (func $store_set (param i32 i32 i32 i32 i64) (result i32)))
  (import "azu" "store_delete" (func $store_delete (param i32 i32) (result i32)))
  (import "azu" "store_add" (func $store_add (param i32 i32 i64 i64 i32) (result i32)))
  (import "azu" "timer_set" (func $timer_set (param i64 i32 i32 i64) (result i32)))
  (import "azu" "timer_clear" (func $timer_clear (param i64 i32 i32) (result i32)))
  (import "azu" "metric" (func $metric (param i32 i32 i32 i32 i32 f64) (result i32)))
  (import "azu" "fail" (func $fail (param i32 i32) (result i32)))

  ;; Memory: 0x100 texts, 0x400 one or two digits, 0x600 the words, 0x10000 the inbox, 0x20000 the script
  ;; of on_connect and on_close, 0x30000 the answers of getters.
  (memory (export "memory") 4)
  (data (i32.const 0x100) "do")
  (data (i32.const 0x110) "bye")
  (data (i32.const 0x140) "version-1")
  ;; The words in the order of $run, each with a zero byte after it.
  (data (i32.const 0x600)
    "send\00broadcast\00broadcast_except\00broadcast_all\00send_user\00join\00leave\00"
    "identify\00value_set\00value_delete\00store_set\00store_delete\00store_add\00"
    "timer_set\00channel_timer_set\00timer_clear\00counter_add\00close\00room_size\00"
    "room_members\00online\00rooms\00user\00users\00room_users\00value_get\00"
    "store_get\00param\00query\00header\00remote_addr\00subprotocol\00claims\00"
    "version\00refuse\00refuse_close\00fail\00trap\00loop\00")

  (func (export "azu_v1") (result i64) (i64.const 0x0001_0000_0001_0000))

  ;; find returns the address of a byte in [$p, $end), or $end.
  (func $find (param $p i32) (param $end i32) (param $byte i32) (result i32)
    (loop $next
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (local.get $end))))
      (if (i32.eq (i32.load8_u (local.get $p)) (local.get $byte)) (then (return (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; equal reports whether two strings of $n bytes are equal.
  (func $equal (param $p i32) (param $q i32) (param $n i32) (result i32)
    (loop $next
      (if (i32.eqz (local.get $n)) (then (return (i32.const 1))))
      (if (i32.ne (i32.load8_u (local.get $p)) (i32.load8_u (local.get $q))) (then (return (i32.const 0))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $q (i32.add (local.get $q) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; word returns the index of a word in the table. It traps if there is none.
  (func $word (param $p i32) (param $n i32) (result i32)
    (local $i i32) (local $w i32) (local $e i32)
    (local.set $w (i32.const 0x600))
    (loop $next
      (local.set $e (call $find (local.get $w) (i32.const 0x769) (i32.const 0)))
      (if (i32.eq (local.get $e) (i32.const 0x769)) (then unreachable))
      (if (i32.eq (i32.sub (local.get $e) (local.get $w)) (local.get $n))
        (then (if (call $equal (local.get $p) (local.get $w) (local.get $n)) (then (return (local.get $i))))))
      (local.set $w (i32.add (local.get $e) (i32.const 1)))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; number parses decimal digits.
  (func $number (param $p i32) (param $n i32) (result i32)
    (local $v i32)
    (loop $next
      (if (i32.eqz (local.get $n)) (then (return (local.get $v))))
      (local.set $v (i32.add (i32.mul (local.get $v) (i32.const 10)) (i32.sub (i32.load8_u (local.get $p)) (i32.const 48))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; refused sends ! and the digit of the error if $r is one.
  (func $refused (param $conn i64) (param $r i32)
    (if (i32.lt_s (local.get $r) (i32.const 0))
      (then
        (i32.store8 (i32.const 0x400) (i32.const 33))
        (i32.store8 (i32.const 0x401) (i32.sub (i32.const 48) (local.get $r)))
        (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x400) (i32.const 2))))))

  ;; digit sends one digit, or the error.
  (func $digit (param $conn i64) (param $r i32)
    (call $refused (local.get $conn) (local.get $r))
    (if (i32.ge_s (local.get $r) (i32.const 0))
      (then
        (i32.store8 (i32.const 0x400) (i32.add (i32.const 48) (local.get $r)))
        (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x400) (i32.const 1))))))

  ;; give sends the $n bytes that a getter returned, or the error.
  (func $give (param $conn i64) (param $n i32)
    (call $refused (local.get $conn) (local.get $n))
    (if (i32.ge_s (local.get $n) (i32.const 0))
      (then (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x30000) (local.get $n))))))

  ;; after returns the address after a separator at $p, or $end without one.
  (func $after (param $p i32) (param $end i32) (result i32)
    (select (i32.add (local.get $p) (i32.const 1)) (local.get $end) (i32.lt_u (local.get $p) (local.get $end))))

  ;; run runs the commands of a script. It returns the result of the hook.
  (func $run (param $conn i64) (param $p i32) (param $n i32) (result i32)
    (local $end i32) (local $e i32) (local $w i32) (local $i i32)
    (local $a i32) (local $al i32) (local $b i32) (local $bl i32) (local $r i32)
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (loop $next
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const 0))))
      (local.set $e (call $find (local.get $p) (local.get $end) (i32.const 59))) ;; the semicolon
      (if (i32.eq (local.get $p) (local.get $e))
        (then
          (local.set $p (i32.add (local.get $p) (i32.const 1)))
          (br $next)))
      (local.set $w (call $find (local.get $p) (local.get $e) (i32.const 32))) ;; the end of the word
      (local.set $i (call $word (local.get $p) (i32.sub (local.get $w) (local.get $p))))
      (local.set $a (call $after (local.get $w) (local.get $e)))
      (local.set $w (call $find (local.get $a) (local.get $e) (i32.const 124))) ;; the bar
      (local.set $al (i32.sub (local.get $w) (local.get $a)))
      (local.set $b (call $after (local.get $w) (local.get $e)))
      (local.set $bl (i32.sub (local.get $e) (local.get $b)))

      (if (i32.eq (local.get $i) (i32.const 0)) ;; send TEXT
        (then (call $refused (local.get $conn) (call $send (local.get $conn) (i32.const 1) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 1)) ;; broadcast ROOM|TEXT
        (then (call $refused (local.get $conn) (call $broadcast (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl) (i64.const 0)))))
      (if (i32.eq (local.get $i) (i32.const 2)) ;; broadcast_except ROOM|TEXT, to all but the connection
        (then (call $refused (local.get $conn) (call $broadcast (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl) (local.get $conn)))))
      (if (i32.eq (local.get $i) (i32.const 3)) ;; broadcast_all TEXT
        (then (call $refused (local.get $conn) (call $broadcast_all (i32.const 1) (local.get $a) (local.get $al) (i64.const 0)))))
      (if (i32.eq (local.get $i) (i32.const 4)) ;; send_user USER|TEXT
        (then (call $refused (local.get $conn) (call $send_user (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl)))))
      (if (i32.eq (local.get $i) (i32.const 5)) ;; join ROOM
        (then (call $refused (local.get $conn) (call $join (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 6)) ;; leave ROOM
        (then (call $refused (local.get $conn) (call $leave (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 7)) ;; identify USER
        (then (call $refused (local.get $conn) (call $identify (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 8)) ;; value_set KEY|VALUE
        (then (call $refused (local.get $conn) (call $value_set (local.get $conn) (local.get $a) (local.get $al) (local.get $b) (local.get $bl)))))
      (if (i32.eq (local.get $i) (i32.const 9)) ;; value_delete KEY
        (then (call $refused (local.get $conn) (call $value_delete (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 10)) ;; store_set KEY|VALUE
        (then (call $refused (local.get $conn) (call $store_set (local.get $a) (local.get $al) (local.get $b) (local.get $bl) (i64.const 0)))))
      (if (i32.eq (local.get $i) (i32.const 11)) ;; store_delete KEY
        (then (call $refused (local.get $conn) (call $store_delete (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 12)) ;; store_add KEY, adds 1
        (then (call $refused (local.get $conn) (call $store_add (local.get $a) (local.get $al) (i64.const 1) (i64.const 0) (i32.const 0x408)))))
      (if (i32.eq (local.get $i) (i32.const 13)) ;; timer_set NAME|MS
        (then (call $refused (local.get $conn) (call $timer_set (local.get $conn) (local.get $a) (local.get $al) (i64.extend_i32_u (call $number (local.get $b) (local.get $bl)))))))
      (if (i32.eq (local.get $i) (i32.const 14)) ;; channel_timer_set NAME|MS
        (then (call $refused (local.get $conn) (call $timer_set (i64.const 0) (local.get $a) (local.get $al) (i64.extend_i32_u (call $number (local.get $b) (local.get $bl)))))))
      (if (i32.eq (local.get $i) (i32.const 15)) ;; timer_clear NAME
        (then (call $refused (local.get $conn) (call $timer_clear (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 16)) ;; counter_add NAME, adds 1
        (then (call $refused (local.get $conn) (call $metric (i32.const 0) (local.get $a) (local.get $al) (i32.const 0) (i32.const 0) (f64.const 1)))))
      (if (i32.eq (local.get $i) (i32.const 17)) ;; close CODE|REASON
        (then (call $refused (local.get $conn) (call $close (local.get $conn) (call $number (local.get $a) (local.get $al)) (local.get $b) (local.get $bl)))))
      (if (i32.eq (local.get $i) (i32.const 18)) ;; room_size ROOM
        (then (call $digit (local.get $conn) (call $room_size (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 19)) ;; room_members ROOM, sends their number
        (then (local.set $r (call $room_members (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))
          (if (i32.gt_s (local.get $r) (i32.const 0)) (then (local.set $r (i32.div_s (local.get $r) (i32.const 8)))))
          (call $digit (local.get $conn) (local.get $r))))
      (if (i32.eq (local.get $i) (i32.const 20)) ;; online USER
        (then (call $digit (local.get $conn) (call $online (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 21)) ;; rooms
        (then (call $give (local.get $conn) (call $rooms (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 22)) ;; user
        (then (call $give (local.get $conn) (call $user (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 23)) ;; users
        (then (call $give (local.get $conn) (call $users (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 24)) ;; room_users ROOM
        (then (call $give (local.get $conn) (call $room_users (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 25)) ;; value_get KEY
        (then (call $give (local.get $conn) (call $value_get (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 26)) ;; store_get KEY
        (then (call $give (local.get $conn) (call $store_get (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 27)) ;; param NAME
        (then (call $give (local.get $conn) (call $param (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 28)) ;; query NAME
        (then (call $give (local.get $conn) (call $query (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 29)) ;; header NAME
        (then (call $give (local.get $conn) (call $header (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 30)) ;; remote_addr
        (then (call $give (local.get $conn) (call $remote_addr (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 31)) ;; subprotocol
        (then (call $give (local.get $conn) (call $subprotocol (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 32)) ;; claims
        (then (call $give (local.get $conn) (call $claims (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $i) (i32.const 33)) ;; version
        (then (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x140) (i32.const 9)))))
      (if (i32.eq (local.get $i) (i32.const 34)) ;; refuse NUMBER, ends the hook with this result
        (then (return (call $number (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 35)) ;; refuse_close NUMBER, ends the hook with this result
        (then (return (call $number (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 36)) ;; fail TEXT
        (then (return (call $fail (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $i) (i32.const 37)) ;; trap
        (then unreachable))
      (if (i32.eq (local.get $i) (i32.const 38)) ;; loop
        (then (loop $l (br $l))))
      (local.set $p (i32.add (local.get $e) (i32.const 1)))
      (br $next))
    (unreachable))

  (func (export "on_load") (param $len i32) (result i32)
    (if (i32.lt_u (local.get $len) (i32.const 10)) (then (return (i32.const 0))))
    (call $run (i64.const 0) (i32.const 0x10007) (i32.sub (local.get $len) (i32.const 9))))

  (func (export "on_connect") (param $conn i64) (param $len i32) (result i32)
    (local.set $len (call $query (local.get $conn) (i32.const 0x100) (i32.const 2) (i32.const 0x20000) (i32.const 0x10000)))
    (if (i32.lt_s (local.get $len) (i32.const 0)) (then (return (i32.const 0))))
    (call $run (local.get $conn) (i32.const 0x20000) (local.get $len)))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $run (local.get $conn) (i32.const 0x10000) (local.get $len)))

  (func (export "on_timer") (param $conn i64) (param $len i32) (result i32)
    (call $run (local.get $conn) (i32.const 0x10000) (local.get $len)))

  (func (export "on_close") (param $conn i64) (param $len i32) (param $code i32) (result i32)
    (local.set $len (call $value_get (local.get $conn) (i32.const 0x110) (i32.const 3) (i32.const 0x20000) (i32.const 0x10000)))
    (if (i32.lt_s (local.get $len) (i32.const 0)) (then (return (i32.const 0))))
    (call $run (local.get $conn) (i32.const 0x20000) (local.get $len))))
