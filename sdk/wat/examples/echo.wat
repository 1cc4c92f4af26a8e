;; Echo sends every message back.
(module
  (import "azu" "send" (func $send (param $conn i64) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (result i32)))

  (memory (export "memory") 2)

  ;; The inbox is the second page: 0x10000, of 0x10000 bytes.
  (func (export "azu_v1") (result i64) (i64.const 0x0001_0000_0001_0000))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    ;; A message larger than the inbox is not in it. The hook fails with LIMIT.
    (if (i32.gt_u (local.get $len) (i32.const 0x10000)) (then (return (i32.const -4))))
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x10000) (local.get $len))))
