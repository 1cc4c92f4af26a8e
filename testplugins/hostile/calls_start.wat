;; calls_start runs without a loop in its start function, for longer than any deadline.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

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

  (start $f16)

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len))))
