;; calls runs without a loop for longer than any deadline: 8 calls in each of 16 functions make 2^48
;; calls.
;;
;; A message that begins with ! starts the attack, after effects that must not happen. Other
;; messages are echoed.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "broadcast_all" (func $broadcast_all (param i32 i32 i32 i64) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "store_set" (func $store_set (param i32 i32 i32 i32 i64) (result i32)))
  (memory (export "memory") 3)
  (data (i32.const 0x100) "leak")
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  ;; leak requests effects that must not happen, because the hook fails.
  (func $leak (param $conn i64)
    (drop (call $send (local.get $conn) (i32.const 1) (i32.const 0x100) (i32.const 4)))
    (drop (call $broadcast_all (i32.const 1) (i32.const 0x100) (i32.const 4) (i64.const 0)))
    (drop (call $join (local.get $conn) (i32.const 0x100) (i32.const 4)))
    (drop (call $store_set (i32.const 0x100) (i32.const 4) (i32.const 0x100) (i32.const 4) (i64.const 0))))

  (func $f0)
  (func $f1 (call $f0) (call $f0) (call $f0) (call $f0) (call $f0) (call $f0) (call $f0) (call $f0))
  (func $f2 (call $f1) (call $f1) (call $f1) (call $f1) (call $f1) (call $f1) (call $f1) (call $f1))
  (func $f3 (call $f2) (call $f2) (call $f2) (call $f2) (call $f2) (call $f2) (call $f2) (call $f2))
  (func $f4 (call $f3) (call $f3) (call $f3) (call $f3) (call $f3) (call $f3) (call $f3) (call $f3))
  (func $f5 (call $f4) (call $f4) (call $f4) (call $f4) (call $f4) (call $f4) (call $f4) (call $f4))
  (func $f6 (call $f5) (call $f5) (call $f5) (call $f5) (call $f5) (call $f5) (call $f5) (call $f5))
  (func $f7 (call $f6) (call $f6) (call $f6) (call $f6) (call $f6) (call $f6) (call $f6) (call $f6))
  (func $f8 (call $f7) (call $f7) (call $f7) (call $f7) (call $f7) (call $f7) (call $f7) (call $f7))
  (func $f9 (call $f8) (call $f8) (call $f8) (call $f8) (call $f8) (call $f8) (call $f8) (call $f8))
  (func $f10 (call $f9) (call $f9) (call $f9) (call $f9) (call $f9) (call $f9) (call $f9) (call $f9))
  (func $f11 (call $f10) (call $f10) (call $f10) (call $f10) (call $f10) (call $f10) (call $f10) (call $f10))
  (func $f12 (call $f11) (call $f11) (call $f11) (call $f11) (call $f11) (call $f11) (call $f11) (call $f11))
  (func $f13 (call $f12) (call $f12) (call $f12) (call $f12) (call $f12) (call $f12) (call $f12) (call $f12))
  (func $f14 (call $f13) (call $f13) (call $f13) (call $f13) (call $f13) (call $f13) (call $f13) (call $f13))
  (func $f15 (call $f14) (call $f14) (call $f14) (call $f14) (call $f14) (call $f14) (call $f14) (call $f14))
  (func $f16 (call $f15) (call $f15) (call $f15) (call $f15) (call $f15) (call $f15) (call $f15) (call $f15))

  (func $attack (param $conn i64) (param $which i32) (result i32)
    (call $f16)
    (i32.const 0))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))))
    (call $leak (local.get $conn))
    (call $attack (local.get $conn) (i32.load8_u (i32.const 0x401)))))
