;; counter counts messages in a global. It answers each with the version text below and the count, 16
;; bytes together. Tests make other versions of it by changing the text in the binary.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "timer_set" (func $timer_set (param i64 i32 i32 i64) (result i32)))
  (memory (export "memory") 2)
  (global $count (mut i64) (i64.const 0))
  (data (i32.const 0) "VERSION0")
  (data (i32.const 32) "tick")
  (func (export "azu_v1") (result i64) (i64.const 0x0001000000010000))
  ;; on_load sets a timer of the channel, which tests whether its effects are committed.
  (func (export "on_load") (param $len i32) (result i32)
    (call $timer_set (i64.const 0) (i32.const 32) (i32.const 4) (i64.const 1000)))
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (global.set $count (i64.add (global.get $count) (i64.const 1)))
    (i64.store (i32.const 8) (global.get $count))
    (call $send (local.get $conn) (i32.const 2) (i32.const 0) (i32.const 16))))
