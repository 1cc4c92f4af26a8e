;; memory_slow grows its memory by one page in every 512 messages and ignores errors. A message that
;; begins with ? is answered with the number of pages, in two bytes, the low one first.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (global $n (mut i32) (i32.const 0))
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  (func $grow
    (local $at i32)
    (local.set $at (memory.grow (i32.const 1)))
    (if (i32.ne (local.get $at) (i32.const -1)) ;; write to the new page
      (then (i32.store (i32.mul (local.get $at) (i32.const 0x10000)) (i32.const 1)))))
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (global.set $n (i32.add (global.get $n) (i32.const 1)))
    (if (i32.eqz (i32.and (global.get $n) (i32.const 511))) (then (call $grow)))
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 63)) (then (return (i32.const 0))))
    (i32.store16 (i32.const 0x100) (memory.size))
    (call $send (local.get $conn) (i32.const 2) (i32.const 0x100) (i32.const 2))))
