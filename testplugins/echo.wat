;; echo: sends every message back as it came. A whole plugin by hand: the
;; contract needs no SDK and no allocator. Build: wat2wasm echo.wat
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))

  ;; 1 KiB of nothing, so that no address is 0, then the inbox of 64 KiB.
  (memory (export "memory") 2)

  ;; The version of the contract is in the name. The result is the inbox:
  ;; its address << 32 | its capacity.
  (func (export "azu_v1") (result i64)
    (i64.const 0x0000_0400_0001_0000))

  ;; The message is in the inbox already. What send answers, 0 or an error
  ;; number, is the answer of the hook.
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    ;; A message larger than the inbox is not in it (read would fetch it).
    (if (i32.gt_u (local.get $len) (i32.const 0x10000))
      (then (return (i32.const -4)))) ;; LIMIT
    (call $send
      (local.get $conn) (local.get $kind)
      (i32.const 0x400) (local.get $len))))
