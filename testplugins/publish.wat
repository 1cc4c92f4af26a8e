;; publish handles on_publish by the first byte of the message: R refuses with 403, D drops it, ! traps,
;; F fails, C replaces the first byte with *, E sends it to the room "elsewhere". Other messages go to
;; their target. A connection to /…/:name joins the room of that name and is the user of that name.
(module
  (import "azu" "broadcast" (func $broadcast (param i32 i32 i32 i32 i32 i64) (result i32)))
  (import "azu" "broadcast_all" (func $broadcast_all (param i32 i32 i32 i64) (result i32)))
  (import "azu" "send_user" (func $send_user (param i32 i32 i32 i32 i32) (result i32)))
  (import "azu" "join" (func $join (param i64 i32 i32) (result i32)))
  (import "azu" "identify" (func $identify (param i64 i32 i32) (result i32)))
  (import "azu" "param" (func $param (param i64 i32 i32 i32 i32) (result i32)))

  ;; Memory: 0x100 texts, 0x200 a parameter, 0x10000 the inbox.
  (memory (export "memory") 3)
  (data (i32.const 0x100) "name")
  (data (i32.const 0x110) "elsewhere")

  (func (export "azu_v1") (result i64) (i64.const 0x0001_0000_0001_0000))

  (func (export "on_connect") (param $conn i64) (param $len i32) (result i32)
    (local $n i32)
    (local.set $n (call $param (local.get $conn) (i32.const 0x100) (i32.const 4) (i32.const 0x200) (i32.const 255)))
    (drop (call $identify (local.get $conn) (i32.const 0x200) (local.get $n)))
    (call $join (local.get $conn) (i32.const 0x200) (local.get $n)))

  ;; line returns the address after the next newline from $p on.
  (func $line (param $p i32) (result i32)
    (loop $next
      (local.set $p (i32.add (local.get $p) (i32.const 1)))
      (br_if $next (i32.ne (i32.load8_u (i32.sub (local.get $p) (i32.const 1))) (i32.const 10))))
    (local.get $p))

  (func (export "on_publish") (param $len i32) (param $kind i32) (result i32)
    (local $name i32) (local $names i32) (local $data i32) (local $size i32) (local $what i32)
    (local.set $name (call $line (i32.const 0x10000)))
    (local.set $data (call $line (local.get $name)))
    (local.set $names (i32.sub (i32.sub (local.get $data) (local.get $name)) (i32.const 1)))
    (local.set $size (i32.sub (i32.add (i32.const 0x10000) (local.get $len)) (local.get $data)))
    (local.set $what (i32.load8_u (local.get $data)))
    (if (i32.eq (local.get $what) (i32.const 0x52)) (then (return (i32.const 403))))
    (if (i32.eq (local.get $what) (i32.const 0x44)) (then (return (i32.const 0))))
    (if (i32.eq (local.get $what) (i32.const 0x21)) (then (unreachable)))
    (if (i32.eq (local.get $what) (i32.const 0x46)) (then (return (i32.const -8))))
    (if (i32.eq (local.get $what) (i32.const 0x43)) (then (i32.store8 (local.get $data) (i32.const 0x2a))))
    (if (i32.eq (local.get $what) (i32.const 0x45))
      (then (return (call $broadcast (i32.const 0x110) (i32.const 9) (local.get $kind) (local.get $data) (local.get $size) (i64.const 0)))))
    (if (i32.eq (i32.load8_u (i32.const 0x10000)) (i32.const 0x61)) ;; all
      (then (return (call $broadcast_all (local.get $kind) (local.get $data) (local.get $size) (i64.const 0)))))
    (if (i32.eq (i32.load8_u (i32.const 0x10000)) (i32.const 0x75)) ;; user
      (then (return (call $send_user (local.get $name) (local.get $names) (local.get $kind) (local.get $data) (local.get $size)))))
    (call $broadcast (local.get $name) (local.get $names) (local.get $kind) (local.get $data) (local.get $size) (i64.const 0))))
