;; A channel by hand: a room per path, as in /rooms/:room_id, with everything that a
;; plugin needs. Take out what you do not want.
;;
;;     wat2wasm template.wat -o rooms.wasm

(module
  ;; The host functions that are called below. raw.wat has them all. Those that are
  ;; not imported cost nothing.
  (import "azu" "send" (func $send (param $conn i64) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (result i32)))
  (import "azu" "broadcast" (func $broadcast (param $room_ptr i32) (param $room_len i32) (param $kind i32) (param $data_ptr i32) (param $data_len i32) (param $except i64) (result i32)))
  (import "azu" "join" (func $join (param $conn i64) (param $room_ptr i32) (param $room_len i32) (result i32)))
  (import "azu" "param" (func $param (param $conn i64) (param $name_ptr i32) (param $name_len i32) (param $buf i32) (param $cap i32) (result i32)))
  (import "azu" "fail" (func $fail (param $text_ptr i32) (param $text_len i32) (result i32)))
  (import "azu" "read" (func $read (param $ptr i32) (param $offset i32) (param $len i32) (result i32)))

  ;; Memory is laid out by hand. Page 0: nothing up to 0x400, so that no address is 0,
  ;; then texts, then the name of a room at 0x800. Page 1: the inbox. From page 2 on:
  ;; events that are larger.
  (memory (export "memory") 2)
  (data (i32.const 0x400) "room_id")
  (data (i32.const 0x410) "no memory for the message")

  ;; The version is in the name of the export. The result is the inbox, where the
  ;; host writes an event's bytes before it calls a hook: address << 32 | capacity.
  (func (export "azu_v1") (result i64) (i64.const 0x0001_0000_0001_0000))

  ;; Gives the address of an event of len bytes; 0: there is no memory for it.
  (func $event (param $len i32) (result i32)
    (local $pages i32)
    ;; What fits the inbox is in it.
    (if (i32.le_u (local.get $len) (i32.const 0x10000)) (then (return (i32.const 0x10000))))
    ;; What does not is fetched, to memory that is grown once and kept.
    (local.set $pages (i32.add (i32.const 2) (i32.shr_u (i32.add (local.get $len) (i32.const 0xffff)) (i32.const 16))))
    (if (i32.gt_u (local.get $pages) (memory.size))
      (then
        (if (i32.eq (memory.grow (i32.sub (local.get $pages) (memory.size))) (i32.const -1))
          (then (return (i32.const 0))))))
    (drop (call $read (i32.const 0x20000) (i32.const 0) (local.get $len)))
    (i32.const 0x20000))

  ;; Writes the room of a connection to 0x800 and gives its length, or an error number.
  ;; A getter returns the length that it needs: more than 255 bytes no name has.
  (func $room (param $conn i64) (result i32)
    (call $param (local.get $conn) (i32.const 0x400) (i32.const 7) (i32.const 0x800) (i32.const 0xff)))

  ;; on_connect decides: 0 accepts, 400 to 599 refuses with that HTTP status, 3000 to
  ;; 4999 upgrades and closes with that code. Anything else: the hook failed.
  (func (export "on_connect") (param $conn i64) (param $len i32) (result i32)
    (local $n i32)
    (local.set $n (call $room (local.get $conn)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (i32.const 404))))
    (call $join (local.get $conn) (i32.const 0x800) (local.get $n)))

  ;; on_message: what it asks for happens if it returns 0, and not at all if it
  ;; returns anything else. Errors of the host are negative, so that they are answers.
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (local $p i32) (local $n i32)
    (local.set $p (call $event (local.get $len)))
    (if (i32.eqz (local.get $p)) (then (return (call $fail (i32.const 0x410) (i32.const 25)))))
    ;; An empty message is answered to its sender only.
    (if (i32.eqz (local.get $len))
      (then (return (call $send (local.get $conn) (local.get $kind) (local.get $p) (i32.const 0)))))
    (local.set $n (call $room (local.get $conn)))
    (if (i32.lt_s (local.get $n) (i32.const 0)) (then (return (local.get $n))))
    ;; The last argument leaves out one connection; 0: nobody.
    (call $broadcast (i32.const 0x800) (local.get $n) (local.get $kind) (local.get $p) (local.get $len) (i64.const 0)))

  ;; on_close is called exactly once for every accepted connection. It has left its
  ;; rooms already.
  (func (export "on_close") (param $conn i64) (param $len i32) (param $code i32) (result i32)
    (i32.const 0)))
