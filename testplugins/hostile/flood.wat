;; flood requests a million effects in one hook, each with a name of its own, and returns the error of
;; the last one.
;;
;; A message that begins with ! and a letter starts the attack, after effects that must not happen.
;; Other messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "broadcast_all" (func $broadcast_all (param i32 i32 i32 i64) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "store_set" (func $store_set (param i32 i32 i32 i32 i64) (result i32)))
  (import "azu" "identify" (func $identify (param i64 i32 i32) (result i32)))
  (import "azu" "value_set" (func $value_set (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "timer_set" (func $timer_set (param i64 i32 i32 i64) (result i32)))
  (import "azu" "metric" (func $metric (param i32 i32 i32 i32 i32 f64) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0x100) "leak")
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  ;; leak requests effects that must not happen, because the hook fails.
  (func $leak (param $conn i64)
    (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x100) (i32.const 4)))
    (drop (call $broadcast_all (i32.const 1) (i32.const 0x100) (i32.const 4) (i64.const 0)))
    (drop (call $join (local.get $conn) (i32.const 0x100) (i32.const 4)))
    (drop (call $store_set (i32.const 0x100) (i32.const 4) (i32.const 0x100) (i32.const 4) (i64.const 0))))

  ;; name writes $n as 8 letters to 0x200.
  (func $name (param $n i32)
    (local $i i32)
    (loop $next
      (i32.store8 (i32.add (i32.const 0x200) (local.get $i))
        (i32.add (i32.const 97) (i32.and (local.get $n) (i32.const 15))))
      (local.set $n (i32.shr_u (local.get $n) (i32.const 4)))
      (br_if $next (i32.lt_u (local.tee $i (i32.add (local.get $i) (i32.const 1))) (i32.const 8)))))

  (func $one (param $conn i64) (param $which i32) (result i32)
    (if (i32.eq (local.get $which) (i32.const 115)) ;; s: messages
      (then (return (call $send (local.get $conn) (i32.const 1) (i32.const 0x200) (i32.const 8)))))
    (if (i32.eq (local.get $which) (i32.const 98)) ;; b: broadcasts
      (then (return (call $broadcast_all (i32.const 1) (i32.const 0x200) (i32.const 8) (i64.const 0)))))
    (if (i32.eq (local.get $which) (i32.const 106)) ;; j: rooms
      (then (return (call $join (local.get $conn) (i32.const 0x200) (i32.const 8)))))
    (if (i32.eq (local.get $which) (i32.const 105)) ;; i: users
      (then (return (call $identify (local.get $conn) (i32.const 0x200) (i32.const 8)))))
    (if (i32.eq (local.get $which) (i32.const 118)) ;; v: values
      (then (return (call $value_set (local.get $conn) (i32.const 0x200) (i32.const 8) (i32.const 0x200) (i32.const 8)))))
    (if (i32.eq (local.get $which) (i32.const 107)) ;; k: keys of the store
      (then (return (call $store_set (i32.const 0x200) (i32.const 8) (i32.const 0x200) (i32.const 8) (i64.const 0)))))
    (if (i32.eq (local.get $which) (i32.const 116)) ;; t: timers
      (then (return (call $timer_set (i64.const 0) (i32.const 0x200) (i32.const 8) (i64.const 3600000)))))
    (if (i32.eq (local.get $which) (i32.const 109)) ;; m: metrics
      (then (return (call $metric (i32.const 0) (i32.const 0x200) (i32.const 8) (i32.const 0) (i32.const 0) (f64.const 1)))))
    (unreachable))
  (func $attack (param $conn i64) (param $which i32) (result i32)
    (local $n i32) (local $r i32)
    (loop $next
      (call $name (local.get $n))
      (local.set $r (call $one (local.get $conn) (local.get $which)))
      (br_if $next (i32.lt_u (local.tee $n (i32.add (local.get $n) (i32.const 1))) (i32.const 1000000))))
    (local.get $r))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))))
    (call $leak (local.get $conn))
    (call $attack (local.get $conn) (i32.load8_u (i32.const 0x401)))))
