;; log_flood logs a million lines in one hook, with escape sequences and line breaks: with log (a), on
;; standard output (b), or on both with lines of 64 KiB (c).
;;
;; A message that begins with ! and a letter starts the attack, after effects that must not happen.
;; Other messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "broadcast_all" (func $broadcast_all (param i32 i32 i32 i64) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "store_set" (func $store_set (param i32 i32 i32 i32 i64) (result i32)))
  (import "azu" "log" (func $log (param i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $fd_write (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0x100) "leak")
  (data (i32.const 0x200) "\1b[2J\1b[31mfirst line\nlevel=ERROR x\r\n\00")
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  ;; leak requests effects that must not happen, because the hook fails.
  (func $leak (param $conn i64)
    (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x100) (i32.const 4)))
    (drop (call $broadcast_all (i32.const 1) (i32.const 0x100) (i32.const 4) (i64.const 0)))
    (drop (call $join (local.get $conn) (i32.const 0x100) (i32.const 4)))
    (drop (call $store_set (i32.const 0x100) (i32.const 4) (i32.const 0x100) (i32.const 4) (i64.const 0))))

  (func $print (param $ptr i32) (param $len i32)
    (i32.store (i32.const 0x300) (local.get $ptr))
    (i32.store (i32.const 0x304) (local.get $len))
    (drop (call $fd_write (i32.const 1) (i32.const 0x300) (i32.const 1) (i32.const 0x308))))
  (func $attack (param $conn i64) (param $which i32) (result i32)
    (local $n i32)
    (loop $next
      (if (i32.eq (local.get $which) (i32.const 97))
        (then (drop (call $log (i32.const 1) (i32.const 0x200) (i32.const 36)))))
      (if (i32.eq (local.get $which) (i32.const 98))
        (then (call $print (i32.const 0x200) (i32.const 36))))
      (if (i32.eq (local.get $which) (i32.const 99))
        (then
          (drop (call $log (i32.const 3) (i32.const 0x10400) (i32.const 0x10000)))
          (call $print (i32.const 0x10400) (i32.const 0x10000))))
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
    (unreachable))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))))
    (call $leak (local.get $conn))
    (call $attack (local.get $conn) (i32.load8_u (i32.const 0x401)))))
