package wasm_test

import (
	"context"
	"math"
	"testing"
	"time"
)

const countText = `(module (memory (export "memory") 1)
  (func (export "count") (param $n i32) (result i32) (local $i i32) (local $s i32)
    (loop $l
      (local.set $s (i32.add (local.get $s) (i32.xor (local.get $i) (i32.const 5))))
      (local.set $i (i32.add (local.get $i) (i32.const 1)))
      (br_if $l (i32.lt_u (local.get $i) (local.get $n))))
    (local.get $s))
  (func $fib (export "fib") (param $n i32) (result i32)
    (if (result i32) (i32.lt_u (local.get $n) (i32.const 2)) (then (local.get $n))
      (else (i32.add (call $fib (i32.sub (local.get $n) (i32.const 1)))
        (call $fib (i32.sub (local.get $n) (i32.const 2)))))))
  (func $deep (export "deep") (param $n i32) (result i32)
    (if (result i32) (i32.eqz (local.get $n)) (then (i32.const 0))
      (else (i32.add (call $deep (i32.sub (local.get $n) (i32.const 1))) (i32.const 1)))))
  (func (export "fill") (param $n i32) (result i32)
    (memory.fill (i32.const 0) (i32.const 7) (local.get $n)) (i32.load (i32.const 0))))`

const echoText = `(module
  (import "azu" "send" (func $send (param i64 i32 i32 i32) (result i32)))
  (memory (export "memory") 2)
  (func (export "on_message") (param $conn i64) (param $len i32) (param $kind i32) (result i32)
    (call $send (local.get $conn) (local.get $kind) (i32.const 65536) (local.get $len))))`

// guestCases are the calls that BenchmarkGuest measures.
var guestCases = []struct {
	name, function string
	module         func(testing.TB) []byte
	args           []uint64
}{
	{"Echo", "on_message", func(t testing.TB) []byte { return wat(t, echoText) }, []uint64{1, 128, 1}},
	{"Count1M", "count", func(t testing.TB) []byte { return wat(t, countText) }, []uint64{1_000_000}},
	{"Fib25", "fib", func(t testing.TB) []byte { return wat(t, countText) }, []uint64{25}},
	{"Deep1000", "deep", func(t testing.TB) []byte { return wat(t, countText) }, []uint64{1000}},
	{"Fill64", "fill", func(t testing.TB) []byte { return wat(t, countText) }, []uint64{64}},
	{"GoJSON", "parse", goGuest, []uint64{1}},
	{"GoSort1000", "sorted", goGuest, []uint64{1000}},
	{"GoFib20", "fib", goGuest, []uint64{20}},
}

// BenchmarkGuest measures metered and unmetered calls alternately, so that a busy machine slows both. It reports the
// best time of each, and their ratio.
func BenchmarkGuest(b *testing.B) {
	for _, c := range guestCases {
		b.Run(c.name, func(b *testing.B) {
			module := c.module(b)
			plain := mustStart(b, module, 0)
			o := options
			o.BulkChunk = 0 // the default, as in production
			metered := mustStart(b, meter(b, module, o), 1_000_000)
			const calls = 20
			run := func(inst *instance) float64 {
				f, stack := inst.ExportedFunction(c.function), make([]uint64, 8)
				start := time.Now()
				for range calls {
					copy(stack, c.args)
					if err := f.CallWithStack(context.Background(), stack); err != nil {
						b.Fatal(err)
					}
				}
				return float64(time.Since(start)) / calls
			}
			run(plain)
			run(metered)
			best := [2]float64{math.Inf(1), math.Inf(1)}
			for b.Loop() {
				best[0] = min(best[0], run(plain))
				best[1] = min(best[1], run(metered))
			}
			b.ReportMetric(0, "ns/op")
			b.ReportMetric(best[0], "ns/unguarded")
			b.ReportMetric(best[1], "ns/metered")
			b.ReportMetric(best[1]/best[0], "ratio")
		})
	}
}

func BenchmarkMeter(b *testing.B) {
	module := goGuest(b)
	b.SetBytes(int64(len(module)))
	b.ReportAllocs()
	b.Run("Scan", func(b *testing.B) {
		for b.Loop() {
			scan(b, module)
		}
	})
	b.Run("Both", func(b *testing.B) {
		for b.Loop() {
			meter(b, module, options)
		}
	})
}
