;; bounce sends every message back and does nothing else. Benchmarks measure the cost of a call with it.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  ;; The inbox is the second page: address 65536, capacity 65536.
  (func (export "azu_v1") (result i64) (i64.const 0x0001000000010000))
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 65536) (local.get $len))))
