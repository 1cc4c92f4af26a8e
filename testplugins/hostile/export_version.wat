;; export_version does not export azu_v1, whose name has the version of the ABI.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
