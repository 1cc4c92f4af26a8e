;; pointers passes addresses that are outside its memory, that are negative, or that overflow.
;;
;; A message that begins with ! and a letter starts the attack, after effects that must not happen.
;; Other messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "broadcast_all" (func $broadcast_all (param i32 i32 i32 i64) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "store_set" (func $store_set (param i32 i32 i32 i32 i64) (result i32)))
  (import "azu" "store_get" (func $store_get (param i32 i32 i32 i32) (result i32)))
  (import "azu" "users" (func $users (param i32 i32) (result i32)))
  (import "azu" "read" (func $read (param i32 i32 i32) (result i32)))
  (import "azu" "log" (func $log (param i32 i32 i32) (result i32)))
  (import "azu" "store_add" (func $store_add (param i32 i32 i64 i64 i32) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0x100) "leak")
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  ;; leak requests effects that must not happen, because the hook fails.
  (func $leak (param $conn i64)
    (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x100) (i32.const 4)))
    (drop (call $broadcast_all (i32.const 1) (i32.const 0x100) (i32.const 4) (i64.const 0)))
    (drop (call $join (local.get $conn) (i32.const 0x100) (i32.const 4)))
    (drop (call $store_set (i32.const 0x100) (i32.const 4) (i32.const 0x100) (i32.const 4) (i64.const 0))))

  (func $attack (param $conn i64) (param $which i32) (result i32)
    (if (i32.eq (local.get $which) (i32.const 97)) ;; a: one byte past the end
      (then (return (call $send (local.get $conn) (i32.const 1) (i32.const 0x2ffff) (i32.const 2)))))
    (if (i32.eq (local.get $which) (i32.const 98)) ;; b: a negative address
      (then (return (call $send (local.get $conn) (i32.const 1) (i32.const -1) (i32.const 1)))))
    (if (i32.eq (local.get $which) (i32.const 99)) ;; c: a negative length
      (then (return (call $send (local.get $conn) (i32.const 1) (i32.const 0) (i32.const -1)))))
    (if (i32.eq (local.get $which) (i32.const 100)) ;; d: a sum that wraps to 16
      (then (return (call $send (local.get $conn) (i32.const 1) (i32.const -16) (i32.const 32)))))
    (if (i32.eq (local.get $which) (i32.const 101)) ;; e: a name that wraps
      (then (return (call $join (local.get $conn) (i32.const -4) (i32.const 8)))))
    (if (i32.eq (local.get $which) (i32.const 102)) ;; f: a key past the end
      (then (return (call $store_set (i32.const 0x2ffff) (i32.const 4) (i32.const 0x100) (i32.const 4) (i64.const 0)))))
    (if (i32.eq (local.get $which) (i32.const 103)) ;; g: data past the end
      (then (return (call $store_set (i32.const 0x100) (i32.const 4) (i32.const 0x2ffff) (i32.const 0x7fffffff) (i64.const 0)))))
    (if (i32.eq (local.get $which) (i32.const 104)) ;; h: a buffer past the end
      (then (return (call $store_get (i32.const 0x100) (i32.const 4) (i32.const 0x2ffff) (i32.const 2)))))
    (if (i32.eq (local.get $which) (i32.const 105)) ;; i: a buffer with a negative capacity
      (then (return (call $users (i32.const 0x100) (i32.const -1)))))
    (if (i32.eq (local.get $which) (i32.const 106)) ;; j: read into memory past the end
      (then (return (call $read (i32.const 0x2ffff) (i32.const 0) (i32.const 2)))))
    (if (i32.eq (local.get $which) (i32.const 107)) ;; k: read into memory that wraps
      (then (return (call $read (i32.const -1) (i32.const 0) (i32.const 2)))))
    (if (i32.eq (local.get $which) (i32.const 108)) ;; l: a log line past the end
      (then (return (call $log (i32.const 1) (i32.const 0x2ffff) (i32.const 0x10000)))))
    (if (i32.eq (local.get $which) (i32.const 109)) ;; m: a result past the end
      (then (return (call $store_add (i32.const 0x100) (i32.const 4) (i64.const 1) (i64.const 0) (i32.const 0x2fff9)))))
    (if (i32.eq (local.get $which) (i32.const 110)) ;; n: a broadcast that wraps
      (then (return (call $broadcast_all (i32.const 1) (i32.const -1) (i32.const -1) (i64.const 0)))))
    (if (i32.eq (local.get $which) (i32.const 111)) ;; o: a load of the guest itself
      (then (return (i32.load (i32.const -1)))))
    (unreachable))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))))
    (call $leak (local.get $conn))
    (call $attack (local.get $conn) (i32.load8_u (i32.const 0x401)))))
