;; export_hook exports no hook.
(module
  (memory (export "memory") 3)
  (func (export "azu_v1") (result i64) (i64.const 0x0000_0400_0001_0000)))
