;; echo sends every message back. It is a whole plugin written by hand: the ABI requires neither an SDK
;; nor an allocator. Build: wat2wasm echo.wat
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))

  ;; The first 1 KiB is unused, so that no address is 0. The inbox of 64 KiB follows.
  (memory (export "memory") 2)

  ;; The name has the version of the ABI. The result is the inbox: address << 32 | capacity.
  (func (export "azu_v1") (result i64)
    (i64.const 0x0000_0400_0001_0000))

  ;; The host has written the message to the inbox. The hook returns the result of send: 0 or an error.
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    ;; A message larger than the inbox is not in it; the host function read would fetch it.
    (if (i32.gt_u (local.get $len) (i32.const 0x10000))
      (then (return (i32.const -4)))) ;; LIMIT
    (call $send
      (local.get $conn) (local.get $kind)
      (i32.const 0x400) (local.get $len))))
