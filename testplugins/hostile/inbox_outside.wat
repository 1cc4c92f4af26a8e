;; inbox_outside has an inbox outside of its memory.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (func (export "azu_v1") (result i64) (i64.const 0xffff_ff00_ffff_ffff))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
