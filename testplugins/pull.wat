;; pull has an inbox of 8 bytes. It sends messages back: those that fit as they are, larger ones after it
;; has fetched them with read, 5 bytes at a time.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "read" (func $read (param i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "azu_v1") (result i64) (i64.const 0x0000001000000008))
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $at i32) (local $n i32)
    (if (i32.le_u (local.get $len) (i32.const 8))
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 16) (local.get $len)))))
    (loop $more
      (local.set $n (call $read (i32.add (i32.const 1024) (local.get $at)) (local.get $at) (i32.const 5)))
      (local.set $at (i32.add (local.get $at) (local.get $n)))
      (br_if $more (local.get $n)))
    (call $send (local.get $conn) (local.get $kind) (i32.const 1024) (local.get $at))))
