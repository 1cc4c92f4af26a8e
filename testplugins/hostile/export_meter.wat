;; export_meter exports a counter under the name of the host's fuel counter.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (global (export "azuhost_fuel") (mut i64) (i64.const 0x7fffffffffffffff))
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
