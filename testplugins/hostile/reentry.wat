;; reentry causes hooks in its hooks: on_timer sets two timers without delay, and on_presence identifies
;; the connection as another user, which causes another presence event.
;;
;; A message that begins with ! starts it. Other messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "identify" (func $identify (param i64 i32 i32) (result i32)))
  (import "azu" "timer_set" (func $timer_set (param i64 i32 i32 i64) (result i32)))
  (memory (export "memory") 3)
  (global $conn (mut i64) (i64.const 0))
  (global $n (mut i32) (i32.const 0))
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  ;; next writes another name of 4 bytes to 0x100.
  (func $next
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (i32.store (i32.const 0x100)
      (i32.or (i32.const 0x40404040)
        (i32.or (i32.and (global.get $n) (i32.const 0x0f))
          (i32.or (i32.and (i32.shl (global.get $n) (i32.const 4)) (i32.const 0x0f00))
            (i32.and (i32.shl (global.get $n) (i32.const 8)) (i32.const 0x0f0000)))))))
  (func $timer
    (call $next)
    (drop (call $timer_set (i64.const 0) (i32.const 0x100) (i32.const 4) (i64.const 0))))
  (func $user
    (call $next)
    (drop (call $identify (global.get $conn) (i32.const 0x100) (i32.const 4))))
  (func (export "on_timer") (param $conn i64) (param $len i32) (result i32)
    (call $timer)
    (call $timer)
    (i32.const 0))
  (func (export "on_presence") (param $len i32) (param $event i32) (result i32)
    (call $user)
    (i32.const 0))
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.eq (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then
        (global.set $conn (local.get $conn))
        (call $timer)
        (call $user)))
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
