;; presence_flood identifies its connection as 5,000 new users in one hook, and succeeds. Each user
;; stays present for the grace period.
;;
;; A message that begins with ! starts it. Other messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "identify" (func $identify (param i64 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (global $n (mut i32) (i32.const 0))
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  ;; name writes $n as 8 letters to 0x200.
  (func $name (param $n i32)
    (local $i i32)
    (loop $next
      (i32.store8 (i32.add (i32.const 0x200) (local.get $i))
        (i32.add (i32.const 97) (i32.and (local.get $n) (i32.const 15))))
      (local.set $n (i32.shr_u (local.get $n) (i32.const 4)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8)))))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $i i32)
    (if (i32.eq (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then
        (loop $next
          (call $name (global.get $n))
          (global.set $n (i32.add (global.get $n) (i32.const 1)))
          (drop (call $identify (local.get $conn) (i32.const 0x200) (i32.const 8)))
          (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 5000))))))
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
