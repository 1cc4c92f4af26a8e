;; deep_loop calls itself almost as deeply as the stack allows and loops there, so that it holds the
;; stack until the deadline. Messages that do not begin with ! do nothing.
(module
  (memory (export "memory") 2)
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000))

  (func $deep (param $n i32) (result i32)
    (if (local.get $n)
      (then (return (i32.add (call $deep (i32.sub (local.get $n) (i32.const 1))) (local.get $n)))))
    (loop $on (br $on))
    (i32.const 0))

  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (if (i32.ne (i32.load8_u (i32.const 0x400)) (i32.const 33))
      (then (return (i32.const 0))))
    (call $deep (i32.const 14000))))
