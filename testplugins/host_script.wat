;; host_script does what a text says: a message, the query parameter "do" in
;; on_connect, the value "bye" of the connection in on_close, the name of a timer,
;; and in on_load what stands in the config {"do":"…"}.
;;
;; A text is commands between semicolons: a letter, a space, and one or two
;; arguments with a bar between. A getter sends what it gets, as text or one
;; digit. A command that is refused sends ! and the digit of its error number.
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

  ;; 0x100: texts. 0x400: one or two digits. 0x10000: the inbox. 0x20000: the text
  ;; of on_connect and on_close. 0x30000: what getters get.
  (memory (export "memory") 4)
  (data (i32.const 0x100) "do")
  (data (i32.const 0x110) "bye")
  (data (i32.const 0x120) "no luck")
  (data (i32.const 0x130) "hits")
  (data (i32.const 0x140) "version-1")

  (func (export "azu_v1") (result i64) (i64.const 0x0001_0000_0001_0000))

  ;; find gives the place of a byte in [p, end), or end.
  (func $find (param $p i32) (param $end i32) (param $byte i32) (result i32)
    (loop $next
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (local.get $end))))
      (if (i32.eq (i32.load8_u (local.get $p)) (local.get $byte)) (then (return (local.get $p))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; number reads decimal digits.
  (func $number (param $p i32) (param $n i32) (result i32)
    (local $v i32)
    (loop $next
      (if (i32.eqz (local.get $n)) (then (return (local.get $v))))
      (local.set $v (i32.add (i32.mul (local.get $v) (i32.const 10)) (i32.sub (i32.load8_u (local.get $p)) (i32.const 48))))
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (local.set $n (i32.sub (local.get $n) (i32.const 1)))
      (br $next))
    (unreachable))

  ;; refused sends ! and the digit if r is an error.
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

  ;; give sends the n bytes that a getter got, or the error.
  (func $give (param $conn i64) (param $n i32)
    (call $refused (local.get $conn) (local.get $n))
    (if (i32.ge_s (local.get $n) (i32.const 0))
      (then (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x30000) (local.get $n))))))

  (func $run (param $conn i64) (param $p i32) (param $n i32) (result i32)
    (local $end i32) (local $e i32) (local $what i32) (local $a i32) (local $al i32) (local $b i32) (local $bl i32) (local $r i32)
    (local.set $end (i32.add (local.get $p) (local.get $n)))
    (loop $next
      (if (i32.ge_u (local.get $p) (local.get $end)) (then (return (i32.const 0))))
      (local.set $e (call $find (local.get $p) (local.get $end) (i32.const 59)))
      (local.set $what (i32.load8_u (local.get $p)))
      (local.set $a (i32.add (local.get $p) (i32.const 2)))
      (if (i32.gt_u (local.get $a) (local.get $e)) (then (local.set $a (local.get $e))))
      (local.set $b (call $find (local.get $a) (local.get $e) (i32.const 124)))
      (local.set $al (i32.sub (local.get $b) (local.get $a)))
      (if (i32.lt_u (local.get $b) (local.get $e)) (then (local.set $b (i32.add (local.get $b) (i32.const 1)))))
      (local.set $bl (i32.sub (local.get $e) (local.get $b)))

      (if (i32.eq (local.get $what) (i32.const 115)) ;; s TEXT
        (then (call $refused (local.get $conn) (call $send (local.get $conn) (i32.const 1) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 98)) ;; b ROOM|TEXT
        (then (call $refused (local.get $conn) (call $broadcast (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl) (i64.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 120)) ;; x ROOM|TEXT, but not to itself
        (then (call $refused (local.get $conn) (call $broadcast (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl) (local.get $conn)))))
      (if (i32.eq (local.get $what) (i32.const 66)) ;; B TEXT
        (then (call $refused (local.get $conn) (call $broadcast_all (i32.const 1) (local.get $a) (local.get $al) (i64.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 85)) ;; U USER|TEXT
        (then (call $refused (local.get $conn) (call $send_user (local.get $a) (local.get $al) (i32.const 1) (local.get $b) (local.get $bl)))))
      (if (i32.eq (local.get $what) (i32.const 106)) ;; j ROOM
        (then (call $refused (local.get $conn) (call $join (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 108)) ;; l ROOM
        (then (call $refused (local.get $conn) (call $leave (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 105)) ;; i USER
        (then (call $refused (local.get $conn) (call $identify (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 118)) ;; v KEY|VALUE
        (then (call $refused (local.get $conn) (call $value_set (local.get $conn) (local.get $a) (local.get $al) (local.get $b) (local.get $bl)))))
      (if (i32.eq (local.get $what) (i32.const 100)) ;; d KEY
        (then (call $refused (local.get $conn) (call $value_delete (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 83)) ;; S KEY|VALUE
        (then (call $refused (local.get $conn) (call $store_set (local.get $a) (local.get $al) (local.get $b) (local.get $bl) (i64.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 68)) ;; D KEY
        (then (call $refused (local.get $conn) (call $store_delete (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 65)) ;; A KEY
        (then (call $refused (local.get $conn) (call $store_add (local.get $a) (local.get $al) (i64.const 1) (i64.const 0) (i32.const 0x408)))))
      (if (i32.eq (local.get $what) (i32.const 116)) ;; t NAME
        (then (call $refused (local.get $conn) (call $timer_set (local.get $conn) (local.get $a) (local.get $al) (i64.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 87)) ;; W NAME, in an hour
        (then (call $refused (local.get $conn) (call $timer_set (local.get $conn) (local.get $a) (local.get $al) (i64.const 3600000)))))
      (if (i32.eq (local.get $what) (i32.const 84)) ;; T NAME, of the channel
        (then (call $refused (local.get $conn) (call $timer_set (i64.const 0) (local.get $a) (local.get $al) (i64.const 0)))))
      (if (i32.eq (local.get $what) (i32.const 107)) ;; k NAME
        (then (call $refused (local.get $conn) (call $timer_clear (local.get $conn) (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 77)) ;; M 
        (then (call $refused (local.get $conn) (call $metric (i32.const 0) (i32.const 0x130) (i32.const 4) (i32.const 0) (i32.const 0) (f64.const 1)))))
      (if (i32.eq (local.get $what) (i32.const 99)) ;; c CODE|REASON
        (then (call $refused (local.get $conn) (call $close (local.get $conn) (call $number (local.get $a) (local.get $al)) (local.get $b) (local.get $bl)))))
      (if (i32.eq (local.get $what) (i32.const 110)) ;; n ROOM
        (then (call $digit (local.get $conn) (call $room_size (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 109)) ;; m ROOM
        (then (local.set $r (call $room_members (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))
          (if (i32.gt_s (local.get $r) (i32.const 0)) (then (local.set $r (i32.div_s (local.get $r) (i32.const 8)))))
          (call $digit (local.get $conn) (local.get $r))))
      (if (i32.eq (local.get $what) (i32.const 111)) ;; o USER
        (then (call $digit (local.get $conn) (call $online (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 114)) ;; r 
        (then (call $give (local.get $conn) (call $rooms (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 117)) ;; u 
        (then (call $give (local.get $conn) (call $user (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 112)) ;; p 
        (then (call $give (local.get $conn) (call $users (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 113)) ;; q ROOM
        (then (call $give (local.get $conn) (call $room_users (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 103)) ;; g KEY
        (then (call $give (local.get $conn) (call $value_get (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 71)) ;; G KEY
        (then (call $give (local.get $conn) (call $store_get (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 80)) ;; P NAME
        (then (call $give (local.get $conn) (call $param (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 81)) ;; Q NAME
        (then (call $give (local.get $conn) (call $query (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 72)) ;; H NAME
        (then (call $give (local.get $conn) (call $header (local.get $conn) (local.get $a) (local.get $al) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 97)) ;; a 
        (then (call $give (local.get $conn) (call $remote_addr (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 121)) ;; y 
        (then (call $give (local.get $conn) (call $subprotocol (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 67)) ;; C 
        (then (call $give (local.get $conn) (call $claims (local.get $conn) (i32.const 0x30000) (i32.const 0x10000)))))
      (if (i32.eq (local.get $what) (i32.const 122)) ;; z the version
        (then (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x140) (i32.const 9)))))
      (if (i32.eq (local.get $what) (i32.const 82)) ;; R NUMBER, as the result
        (then (return (call $number (local.get $a) (local.get $al)))))
      (if (i32.eq (local.get $what) (i32.const 102)) ;; f 
        (then (return (call $fail (i32.const 0x120) (i32.const 7)))))
      (if (i32.eq (local.get $what) (i32.const 33)) ;; ! 
        (then unreachable))
      (if (i32.eq (local.get $what) (i32.const 76)) ;; L 
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
