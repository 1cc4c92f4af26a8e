;; An annotated channel with a room for each path. Its route has the path /rooms/:room_id. The module has all parts of a
;; plugin: the version, the inbox, events larger than the inbox, and hooks.
;;
;;     wat2wasm template.wat -o rooms.wasm

(module
  ;; The host functions that the module calls. raw.wat has all of them.
  (import "azu" "send" (func $send
    (param $conn i64) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (result i32)))
  (import "azu" "broadcast" (func $broadcast
    (param $room_ptr i32) (param $room_len i32) (param $kind i32) (param $data_ptr i32) (param $data_len i32)
    (param $except i64) (result i32)))
  (import "azu" "join" (func $join (param $conn i64) (param $room_ptr i32) (param $room_len i32) (result i32)))
  (import "azu" "param" (func $param
    (param $conn i64) (param $name_ptr i32) (param $name_len i32) (param $buf i32) (param $cap i32)
    (result i32)))
  (import "azu" "fail" (func $fail (param $text_ptr i32) (param $text_len i32) (result i32)))
  (import "azu" "read" (func $read (param $ptr i32) (param $offset i32) (param $len i32) (result i32)))

  ;; The layout of the memory:
  ;;   0x00000  not used, so that no address is 0
  ;;   0x00400  texts
  ;;   0x00800  the name of a room, at most 255 bytes
  ;;   0x10000  the inbox, 64 KiB
  ;;   0x20000  an event larger than the inbox
  (memory (export "memory") 2)
  (data (i32.const 0x400) "room_id")
  (data (i32.const 0x410) "no memory for the message")

  ;; The name of the export is the version. The result is the inbox: address << 32 | capacity. The host writes the bytes
  ;; of an event there before it calls a hook.
  (func (export "azu_v1") (result i64) (i64.const 0x0001_0000_0001_0000))

  ;; event returns the address of the event, which has len bytes; 0 if there is no memory for it.
  (func $event (param $len i32) (result i32)
    (local $pages i32)
    ;; An event that fits the inbox is there.
    (if (i32.le_u (local.get $len) (i32.const 0x10000)) (then (return (i32.const 0x10000))))
    ;; A larger event is read into memory behind the inbox. That memory grows to the largest event.
    (local.set $pages
      (i32.add (i32.const 2) (i32.shr_u (i32.add (local.get $len) (i32.const 0xffff)) (i32.const 16))))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (return (i32.const 0))))))
    (drop (call $read (i32.const 0x20000) (i32.const 0) (local.get $len)))
    (i32.const 0x20000))

  ;; room writes the name of the connection's room to 0x800, and returns its length or an error number. A name has at most
  ;; 255 bytes, so it fits.
  (func $room (param $conn i64) (result i32)
    (call $param (local.get $conn) (i32.const 0x400) (i32.const 7) (i32.const 0x800) (i32.const 0xff)))

  ;; on_connect decides about a connection. 0 accepts it. 400 to 599 refuses it with that HTTP status. 3000 to 4999
  ;; upgrades it, and closes it with that code. With any other result the hook fails.
  (func (export "on_connect") (param $conn i64) (param $len i32) (result i32)
    (local $n i32)
    (local.set $n (call $room (local.get $conn)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (i32.const 404))))
    (call $join (local.get $conn) (i32.const 0x800) (local.get $n)))

  ;; on_message handles a message. Its effects happen if it returns 0. A negative number, such as an error of a host
  ;; function, fails the hook: none of its effects happen.
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $p i32) (local $n i32)
    (local.set $p (call $event (local.get $len)))
    (if (i32.eqz (local.get $p)) (then (return (call $fail (i32.const 0x410) (i32.const 25)))))
    ;; An empty message goes back to its sender only.
    (if (i32.eqz (local.get $len))
      (then (return (call $send (local.get $conn) (local.get $kind) (local.get $p) (i32.const 0)))))
    (local.set $n (call $room (local.get $conn)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (local.get $n))))
    ;; The last argument is a connection that does not receive the message; 0 excludes none.
    (call $broadcast (i32.const 0x800) (local.get $n) (local.get $kind) (local.get $p) (local.get $len) (i64.const 0)))

  ;; on_close runs exactly once for every accepted connection. The connection has left its rooms.
  (func (export "on_close") (param $conn i64) (param $len i32) (param $code i32) (result i32)
    (i32.const 0)))
