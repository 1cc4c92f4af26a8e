;; faults does what the first byte of a message, or of the config in on_load, says. Most of these faults
;; make the hook fail. on_message first sends "x", which must not arrive if the hook fails.
(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (import "azu" "fail" (func $fail (param i32 i32) (result i32)))
  (import "azu" "now" (func $now (result i64)))
  (import "env" "abort" (func $abort (param i32 i32 i32 i32)))
  (import "wasi_snapshot_preview1" "proc_exit" (func $exit (param i32)))
  (import "wasi_snapshot_preview1" "fd_write" (func $write (param i32 i32 i32 i32) (result i32)))
  (import "wasi_snapshot_preview1" "poll_oneoff" (func $poll (param i32 i32 i32 i32) (result i32)))
  (memory (export "memory") 3)
  (table 2 funcref)
  (type $none (func))
  (global $calls (mut i32) (i32.const 0))
  (data (i32.const 16) "no luck")
  ;; Strings of AssemblyScript: the size, then UTF-16.
  (data (i32.const 64) "\06\00\00\00o\00h\00!\00")
  (data (i32.const 80) "\08\00\00\00a\00.\00t\00s\00")
  (data (i32.const 96) "x")
  ;; At 128 a subscription for poll_oneoff: 10 s on clock 1.
  (data (i32.const 128) "\07\00\00\00\00\00\00\00\00\00\00\00\00\00\00\00\01\00\00\00\00\00\00\00\00\e4\0b\54\02\00\00\00")

  (func $recurse (param i32) (result i32)
    (i32.add (i32.const 1) (call $recurse (i32.add (local.get 0) (i32.const 1)))))

  ;; print writes the inbox from its second byte on to a file descriptor.
  (func $print (param $fd i32) (param $len i32)
    (i32.store (i32.const 256) (i32.const 65537))
    (i32.store (i32.const 260) (i32.sub (local.get $len) (i32.const 1)))
    (drop (call $write (local.get $fd) (i32.const 256) (i32.const 1) (i32.const 264))))

  (func $do (param $what i32) (param $len i32) (result i32)
    (if (i32.eq (local.get $what) (i32.const 0x75)) (then unreachable))                        ;; u: traps
    (if (i32.eq (local.get $what) (i32.const 0x6c)) (then (loop $l (br $l))))                  ;; l: loops
    (if (i32.eq (local.get $what) (i32.const 0x72)) (then (return (call $recurse (i32.const 0))))) ;; r: recurses
    (if (i32.eq (local.get $what) (i32.const 0x78)) (then (call $exit (i32.const 3))))         ;; x: exits
    (if (i32.eq (local.get $what) (i32.const 0x6f)) (then (i32.store (i32.const -4) (i32.const 1)))) ;; o: stores outside memory
    (if (i32.eq (local.get $what) (i32.const 0x64)) (then (drop (i32.div_u (i32.const 1) (i32.const 0))))) ;; d: divides by zero
    (if (i32.eq (local.get $what) (i32.const 0x69)) (then (call_indirect (type $none) (i32.const 1)))) ;; i: calls an empty table element
    (if (i32.eq (local.get $what) (i32.const 0x61))                                            ;; a: aborts as AssemblyScript does
      (then (call $abort (i32.const 68) (i32.const 84) (i32.const 12) (i32.const 5))))
    (if (i32.eq (local.get $what) (i32.const 0x66))                                            ;; f: fails with a text
      (then (return (call $fail (i32.const 16) (i32.const 7)))))
    (if (i32.eq (local.get $what) (i32.const 0x46))                                            ;; F: fails with a text and returns 0
      (then (drop (call $fail (i32.const 16) (i32.const 7)))))
    (if (i32.eq (local.get $what) (i32.const 0x65)) (then (return (i32.const 7))))             ;; e: returns 7
    (if (i32.eq (local.get $what) (i32.const 0x70))                                            ;; p: passes a pointer outside memory
      (then (return (call $send (i64.const 1) (i32.const 1) (i32.const -1) (i32.const 2)))))
    (if (i32.eq (local.get $what) (i32.const 0x68)) (then (drop (call $now))))                 ;; h: the host panics
    (if (i32.eq (local.get $what) (i32.const 0x67))                                            ;; g: grows memory by 1 GiB
      (then (return (memory.grow (i32.const 16384)))))
    (if (i32.eq (local.get $what) (i32.const 0x47))                                            ;; G: grows memory by a page
      (then (drop (memory.grow (i32.const 1)))))
    (if (i32.eq (local.get $what) (i32.const 0x73))                                            ;; s: sleeps
      (then (return (call $poll (i32.const 128) (i32.const 192) (i32.const 1) (i32.const 248)))))
    (if (i32.eq (local.get $what) (i32.const 0x31)) (then (call $print (i32.const 1) (local.get $len)))) ;; 1: prints to standard output
    (if (i32.eq (local.get $what) (i32.const 0x32)) (then (call $print (i32.const 2) (local.get $len)))) ;; 2: prints to standard error
    (if (i32.eq (local.get $what) (i32.const 0x63)) (then (return (global.get $calls))))       ;; c: returns the number of messages
    (i32.const 0))

  (func (export "azu_v1") (result i64) (i64.const 0x0001000000010000))
  (func (export "on_load") (param $len i32) (result i32)
    (call $do (i32.load8_u (i32.const 65536)) (local.get $len)))
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (global.set $calls (i32.add (global.get $calls) (i32.const 1)))
    (drop (call $send (local.get $conn) (i32.const 1) (i32.const 96) (i32.const 1)))
    (call $do (i32.load8_u (i32.const 65536)) (local.get $len)))
  (func (export "on_connect") (param $conn i64) (param $len i32) (result i32) (i32.const 401)))
