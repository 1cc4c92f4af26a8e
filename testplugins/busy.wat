;; busy counts to 100,000 as many times as the first byte of the message says, sends the message back,
;; and counts to 100,000 once more.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  (func $count
    (local $n i32)
    (loop $next
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 100000)))))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $n i32)
    (local.set $n (i32.load8_u (i32.const 0x400)))
    (block $done
      (loop $next
        (br_if $done (i32.eqz (local.get $n)))
        (call $count)
        (local.set $n (i32.sub (local.get $n) (i32.const 1)))
        (br $next)))
    (drop (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))
    (call $count)
    (i32.const 0)))
