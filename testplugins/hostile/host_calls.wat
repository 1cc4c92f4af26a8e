;; host_calls calls a host function without end. The function has no effects, so that
;; only fuel and deadline bound the hook.
;;
;; !n reads the time, !r the size of a room, !p a parameter of the path. Other messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "now" (func $now (result i64)))
  (import "azu" "room_size" (func $room_size (param i32 i32) (result i32)))
  (import "azu" "param" (func $param (param i64 i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (data (i32.const 0x100) "room")
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  (func $one (param $conn i64) (param $which i32)
    (if (i32.eq (local.get $which) (i32.const 110)) ;; n
      (then (drop (call $now)) (return)))
    (if (i32.eq (local.get $which) (i32.const 114)) ;; r
      (then (drop (call $room_size (i32.const 0x100) (i32.const 4))) (return)))
    (drop (call $param (local.get $conn) (i32.const 0x100) (i32.const 4) (i32.const 0x200) (i32.const 64))))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))))
    (loop $next
      (call $one (local.get $conn) (i32.load8_u (i32.const 0x401)))
      (br $next))
    (i32.const 0)))
