;; table_grow_unbounded grows a table without a declared maximum.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (table $t 1 funcref)
  (memory (export "memory") 3)
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  (func (export "on_timer") (param $conn i64) (param $len i32) (result i32)
    (table.grow $t (ref.null func) (i32.const 1000000)))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
