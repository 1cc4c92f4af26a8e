;; reads asks for many effects in one hook and reads their result, without end. A read
;; must not take longer for the number of effects, and must check the deadline.
;;
;; !o identifies its connection and reads whether the user is online. !u identifies it as
;; a new user each time and lists the users. !m joins and leaves a room and lists its
;; members. !r lists its rooms. !v sets a value and reads it. Other messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "identify" (func $identify (param i64 i32 i32) (result i32)))
  (import "azu" "online" (func $online (param i32 i32) (result i32)))
  (import "azu" "users" (func $users (param i32 i32) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "leave" (func $leave (param i64 i32 i32) (result i32)))
  (import "azu" "room_size" (func $room_size (param i32 i32) (result i32)))
  (import "azu" "room_members" (func $room_members (param i32 i32 i32 i32) (result i32)))
  (import "azu" "room_users" (func $room_users (param i32 i32 i32 i32) (result i32)))
  (import "azu" "rooms" (func $rooms (param i64 i32 i32) (result i32)))
  (import "azu" "user" (func $user (param i64 i32 i32) (result i32)))
  (import "azu" "value_set" (func $value_set (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "value_get" (func $value_get (param i64 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0x100) "xy")
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  ;; name writes a number as 8 letters to 0x200.
  (func $name (param $n i32)
    (local $i i32)
    (loop $next
      (i32.store8 (i32.add (i32.const 0x200) (local.get $i))
        (i32.add (i32.const 97) (i32.and (local.get $n) (i32.const 15))))
      (local.set $n (i32.shr_u (local.get $n) (i32.const 4)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8)))))

  (func $ask (param $conn i64) (param $which i32) (param $n i32)
    (if (i32.eq (local.get $which) (i32.const 111)) ;; o
      (then (drop (call $identify (local.get $conn) (i32.const 0x100) (i32.const 1))) (return)))
    (if (i32.eq (local.get $which) (i32.const 117)) ;; u
      (then
        (call $name (local.get $n))
        (drop (call $identify (local.get $conn) (i32.const 0x200) (i32.const 8)))
        (return)))
    (if (i32.eq (local.get $which) (i32.const 118)) ;; v
      (then (drop (call $value_set (local.get $conn) (i32.const 0x100) (i32.const 1) (i32.const 0x100) (i32.const 2))) (return)))
    (drop (call $join (local.get $conn) (i32.const 0x100) (i32.const 1)))
    (drop (call $leave (local.get $conn) (i32.const 0x100) (i32.const 1))))

  (func $look (param $conn i64) (param $which i32)
    (if (i32.eq (local.get $which) (i32.const 111)) ;; o
      (then (drop (call $online (i32.const 0x101) (i32.const 1))) (return)))
    (if (i32.eq (local.get $which) (i32.const 117)) ;; u
      (then (drop (call $users (i32.const 0x400) (i32.const 0))) (return)))
    (if (i32.eq (local.get $which) (i32.const 118)) ;; v
      (then (drop (call $value_get (local.get $conn) (i32.const 0x101) (i32.const 1) (i32.const 0x400) (i32.const 0))) (return)))
    (if (i32.eq (local.get $which) (i32.const 114)) ;; r
      (then
        (drop (call $rooms (local.get $conn) (i32.const 0x400) (i32.const 0)))
        (drop (call $user (local.get $conn) (i32.const 0x400) (i32.const 0)))
        (return)))
    (drop (call $room_size (i32.const 0x100) (i32.const 1)))
    (drop (call $room_members (i32.const 0x100) (i32.const 1) (i32.const 0x400) (i32.const 0)))
    (drop (call $room_users (i32.const 0x100) (i32.const 1) (i32.const 0x400) (i32.const 0))))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $n i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))))
    (loop $more
      (call $ask (local.get $conn) (i32.load8_u (i32.const 0x401)) (local.get $n))
      (br_if $more (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 9000))))
    (loop $next
      (call $look (local.get $conn) (i32.load8_u (i32.const 0x401)))
      (br $next))
    (i32.const 0)))
