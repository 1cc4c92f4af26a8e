;; recursion calls itself without end: with small frames (a), with large frames (b), through a table
;; (c), or alternating between two functions (d).
;;
;; A message that begins with ! and a letter starts the attack, after effects that must not happen.
;; Other messages are echoed.
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

  (type $f (func (param i32) (result i32)))
  (table 1 1 funcref)
  (elem (i32.const 0) $indirect)
  (func $small (param i32) (result i32)
    (i32.add (call $small (i32.add (local.get 0) (i32.const 1))) (local.get 0)))
  ;; The values loaded before the call are used after it, so they stay in the frame.
  (func $large (param i32) (result i32)
    (i32.load offset=0 (local.get 0))
    (i32.load offset=4 (local.get 0))
    (i32.load offset=8 (local.get 0))
    (i32.load offset=12 (local.get 0))
    (i32.load offset=16 (local.get 0))
    (i32.load offset=20 (local.get 0))
    (i32.load offset=24 (local.get 0))
    (i32.load offset=28 (local.get 0))
    (i32.load offset=32 (local.get 0))
    (i32.load offset=36 (local.get 0))
    (i32.load offset=40 (local.get 0))
    (i32.load offset=44 (local.get 0))
    (i32.load offset=48 (local.get 0))
    (i32.load offset=52 (local.get 0))
    (i32.load offset=56 (local.get 0))
    (i32.load offset=60 (local.get 0))
    (i32.load offset=64 (local.get 0))
    (i32.load offset=68 (local.get 0))
    (i32.load offset=72 (local.get 0))
    (i32.load offset=76 (local.get 0))
    (i32.load offset=80 (local.get 0))
    (i32.load offset=84 (local.get 0))
    (i32.load offset=88 (local.get 0))
    (i32.load offset=92 (local.get 0))
    (i32.load offset=96 (local.get 0))
    (i32.load offset=100 (local.get 0))
    (i32.load offset=104 (local.get 0))
    (i32.load offset=108 (local.get 0))
    (i32.load offset=112 (local.get 0))
    (i32.load offset=116 (local.get 0))
    (i32.load offset=120 (local.get 0))
    (i32.load offset=124 (local.get 0))
    (i32.load offset=128 (local.get 0))
    (i32.load offset=132 (local.get 0))
    (i32.load offset=136 (local.get 0))
    (i32.load offset=140 (local.get 0))
    (i32.load offset=144 (local.get 0))
    (i32.load offset=148 (local.get 0))
    (i32.load offset=152 (local.get 0))
    (i32.load offset=156 (local.get 0))
    (i32.load offset=160 (local.get 0))
    (i32.load offset=164 (local.get 0))
    (i32.load offset=168 (local.get 0))
    (i32.load offset=172 (local.get 0))
    (i32.load offset=176 (local.get 0))
    (i32.load offset=180 (local.get 0))
    (i32.load offset=184 (local.get 0))
    (i32.load offset=188 (local.get 0))
    (i32.load offset=192 (local.get 0))
    (i32.load offset=196 (local.get 0))
    (i32.load offset=200 (local.get 0))
    (i32.load offset=204 (local.get 0))
    (i32.load offset=208 (local.get 0))
    (i32.load offset=212 (local.get 0))
    (i32.load offset=216 (local.get 0))
    (i32.load offset=220 (local.get 0))
    (i32.load offset=224 (local.get 0))
    (i32.load offset=228 (local.get 0))
    (i32.load offset=232 (local.get 0))
    (i32.load offset=236 (local.get 0))
    (i32.load offset=240 (local.get 0))
    (i32.load offset=244 (local.get 0))
    (i32.load offset=248 (local.get 0))
    (i32.load offset=252 (local.get 0))
    (i32.load offset=256 (local.get 0))
    (i32.load offset=260 (local.get 0))
    (i32.load offset=264 (local.get 0))
    (i32.load offset=268 (local.get 0))
    (i32.load offset=272 (local.get 0))
    (i32.load offset=276 (local.get 0))
    (i32.load offset=280 (local.get 0))
    (i32.load offset=284 (local.get 0))
    (i32.load offset=288 (local.get 0))
    (i32.load offset=292 (local.get 0))
    (i32.load offset=296 (local.get 0))
    (i32.load offset=300 (local.get 0))
    (i32.load offset=304 (local.get 0))
    (i32.load offset=308 (local.get 0))
    (i32.load offset=312 (local.get 0))
    (i32.load offset=316 (local.get 0))
    (i32.load offset=320 (local.get 0))
    (i32.load offset=324 (local.get 0))
    (i32.load offset=328 (local.get 0))
    (i32.load offset=332 (local.get 0))
    (i32.load offset=336 (local.get 0))
    (i32.load offset=340 (local.get 0))
    (i32.load offset=344 (local.get 0))
    (i32.load offset=348 (local.get 0))
    (i32.load offset=352 (local.get 0))
    (i32.load offset=356 (local.get 0))
    (i32.load offset=360 (local.get 0))
    (i32.load offset=364 (local.get 0))
    (i32.load offset=368 (local.get 0))
    (i32.load offset=372 (local.get 0))
    (i32.load offset=376 (local.get 0))
    (i32.load offset=380 (local.get 0))
    (i32.load offset=384 (local.get 0))
    (i32.load offset=388 (local.get 0))
    (i32.load offset=392 (local.get 0))
    (i32.load offset=396 (local.get 0))
    (call $large (i32.const 0))
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
    i32.add
  )
  (func $indirect (param i32) (result i32)
    (i32.add (call_indirect (type $f) (local.get 0) (i32.const 0)) (i32.const 1)))
  (func $ping (param i32) (result i32) (i32.add (call $pong (local.get 0)) (i32.const 1)))
  (func $pong (param i32) (result i32) (i32.add (call $ping (local.get 0)) (i32.const 1)))
  (func $attack (param $conn i64) (param $which i32) (result i32)
    (if (i32.eq (local.get $which) (i32.const 97)) (then (return (call $small (i32.const 0)))))
    (if (i32.eq (local.get $which) (i32.const 98)) (then (return (call $large (i32.const 0)))))
    (if (i32.eq (local.get $which) (i32.const 99)) (then (return (call $indirect (i32.const 0)))))
    (call $ping (i32.const 0)))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33)) ;; !
      (then (return (call $send (local.get $conn) (local.get $kind) (i32.const 0x400) (local.get $len)))))
    (call $leak (local.get $conn))
    (call $attack (local.get $conn) (i32.load8_u (i32.const 0x401)))))
