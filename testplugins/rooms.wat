;; rooms joins each connection to the room that its path names, /rooms/:room, and broadcasts every
;; message to everyone in that room, the sender included. Build: wat2wasm rooms.wat
;;
;; The host keeps the parameters of a connection, so one call returns the name of the room and the plugin
;; holds no state: any instance can handle any event, and a new version continues where the old one was.
(module
  (import "azu" "param" (func $param (param i64 i32 i32 i32 i32) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "broadcast" (func $broadcast (param i32 i32 i32 i32 i32 i64) (result i32)))

  ;; Memory: 0x100 the name of the parameter, 0x200 the name of the room, at most 255 bytes,
  ;; 0x400 the inbox of 64 KiB.
  (memory (export "memory") 2)
  (data (i32.const 0x100) "room")

  (func (export "azu_v1") (result i64)
    (i64.const 0x0000_0400_0001_0000))

  ;; room writes the name of the room to 0x200 and returns its length, or an error.
  (func $room (param $conn i64) (result i32)
    (call $param (local.get $conn)
      (i32.const 0x100) (i32.const 4)
      (i32.const 0x200) (i32.const 255)))

  (func (export "on_connect") (param $conn i64) (param $len i32) (result i32)
    (local $n i32)
    (local.set $n (call $room (local.get $conn)))
    (if (i32.lt_s (local.get $n) (i32.const 0))
      (then (return (local.get $n))))
    (call $join (local.get $conn) (i32.const 0x200) (local.get $n)))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $n i32)
    (if (i32.gt_u (local.get $len) (i32.const 0x10000))
      (then (return (i32.const -4)))) ;; LIMIT: larger than the inbox
    (local.set $n (call $room (local.get $conn)))
    (if (i32.lt_s (local.get $n) (i32.const 0))
      (then (return (local.get $n))))
    (call $broadcast
      (i32.const 0x200) (local.get $n)
      (local.get $kind) (i32.const 0x400) (local.get $len)
      (i64.const 0)))) ;; no connection is excepted
