;; table_declared declares a table of 100 million elements.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (table 100000000 funcref)
  (memory (export "memory") 3)
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
