package wasm_test

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/internal/wasm"
	"github.com/tetratelabs/wazero/api"
)

// fuel returns the cost of a call. It sets the counter so high that the callback is not called.
func (i *instance) fuel(t testing.TB, name string, args ...uint64) int64 {
	t.Helper()
	counter := i.ExportedGlobal(options.Fuel).(api.MutableGlobal)
	counter.Set(1 << 50)
	if _, err := i.ExportedFunction(name).Call(context.Background(), args...); err != nil {
		t.Fatal(err)
	}
	return 1<<50 - int64(counter.Get())
}

func TestFuelIsExact(t *testing.T) {
	inst := mustStart(t, meter(t, wat(t, countText), options), 1000)
	one, two, many := inst.fuel(t, "count", 1), inst.fuel(t, "count", 2), inst.fuel(t, "count", 1001)
	if step := two - one; step < 5 || step > 20 || many != one+1000*step {
		t.Errorf("1, 2 and 1,001 iterations cost %d, %d and %d", one, two, many)
	}
	if again := inst.fuel(t, "count", 1001); again != many {
		t.Errorf("the same call costs %d, then %d", many, again)
	}
	// The sum does not depend on how the fuel is handed out.
	for _, slice := range []int64{1, 100, 1_000_000} {
		inst := mustStart(t, meter(t, wat(t, countText), options), slice)
		inst.callback.spent = 0
		counter := inst.ExportedGlobal(options.Fuel).(api.MutableGlobal)
		counter.Set(uint64(slice))
		if _, err := inst.ExportedFunction("count").Call(context.Background(), 1001); err != nil {
			t.Fatal(err)
		}
		if spent := inst.callback.spent + slice - int64(counter.Get()); spent != many {
			t.Errorf("in slices of %d: %d spent, want %d", slice, spent, many)
		}
	}
}

const fillMegabyte = `(memory.fill (i32.const 0) (i32.const 0) (i32.const 1048576))`

func TestFuelRunsOut(t *testing.T) {
	for name, text := range map[string]string{
		"loop":              `(module (func (export "f") (loop (br 0))))`,
		"empty loops":       `(module (func (export "f") (loop (loop (br 1)))))`,
		"loop with a value": `(module (func (export "f") (i32.const 1) (loop (param i32) (br 0))))`,
		"br_table":          `(module (func (export "f") (loop (br_table 0 0 0 (i32.const 9)))))`,
		"indirect": `(module (type $t (func)) (table funcref (elem $g)) (func $g)
			(func $f (export "f") (loop (call_indirect (type $t) (i32.const 0)) (br 0))))`,
		"tail call":         `(module (func $f (export "f") (return_call $f)))`,
		"mutual tail calls": `(module (func $f (export "f") (return_call $g)) (func $g (return_call $f)))`,
		"indirect tail call": `(module (type $t (func)) (table funcref (elem $f))
			(func $f (export "f") (return_call_indirect (type $t) (i32.const 0))))`,
		"calls without loops": exponential(30),
		"bulk":                `(module (memory 16) (func (export "f") (loop ` + fillMegabyte + ` (br 0))))`,
		"straight bulk":       `(module (memory 16) (func (export "f")` + strings.Repeat(fillMegabyte, 1500) + `))`,
		"start":               `(module (func $f (loop (br 0))) (start $f))`,
	} {
		t.Run(name, func(t *testing.T) {
			o := wasm.MeterOptions{
				Module: options.Module, Name: options.Name, Fuel: options.Fuel, InitialFuel: 10_000_000,
			}
			module := meter(t, wat(t, text), o)
			validate(t, module)
			inst, err := start(t, module, 0)
			if name == "start" {
				if err == nil {
					t.Fatal("the start function came to an end")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			_, err = inst.ExportedFunction("f").Call(context.Background())
			if err == nil || !strings.Contains(err.Error(), "out of fuel") {
				t.Error(err)
			}
		})
	}
}

// exponential returns a module that calls 2 to the power of n functions without a loop.
func exponential(n int) string {
	var b strings.Builder
	b.WriteString(`(module (func $f0)`)
	for i := 1; i <= n; i++ {
		b.WriteString(strings.NewReplacer("I", itoa(i), "J", itoa(i-1)).Replace(`(func $fI (call $fJ) (call $fJ))`))
	}
	b.WriteString(`(export "f" (func $f` + itoa(n) + `)))`)
	return b.String()
}

func TestBulkIsChargedBySize(t *testing.T) {
	inst := mustStart(t, meter(t, wat(t, `(module (memory 17 1000) (table 10 1000 funcref)
		(data "0123456789abcdef0123456789abcdef")
		(elem func 0 0 0 0 0 0 0 0)
		(func (export "fill") (param i32) (memory.fill (i32.const 0) (i32.const 0) (local.get 0)))
		(func (export "copy") (param i32) (memory.copy (i32.const 0) (i32.const 65536) (local.get 0)))
		(func (export "init") (param i32) (memory.init 0 (i32.const 0) (i32.const 0) (local.get 0)))
		(func (export "grow") (param i32) (drop (memory.grow (local.get 0))))
		(func (export "table.init") (param i32) (table.init 0 (i32.const 0) (i32.const 0) (local.get 0)))
		(func (export "table.copy") (param i32) (table.copy (i32.const 0) (i32.const 0) (local.get 0)))
		(func (export "table.fill") (param i32) (table.fill 0 (i32.const 0) (ref.null func) (local.get 0)))
		(func (export "table.grow") (param i32) (drop (table.grow 0 (ref.null func) (local.get 0)))))`), options), 1)
	for _, c := range []struct {
		name    string
		size    uint64
		atLeast int64
		free    bool
	}{
		{"fill", 1 << 20, 1 << 16, false}, {"copy", 1 << 20, 1 << 16, false}, {"init", 32, 2, false},
		{"grow", 10, 10240, false}, {"grow", 1001, 0, true}, {"grow", 1<<32 - 1, 0, true},
		{"table.init", 8, 8, false}, {"table.copy", 10, 10, false}, {"table.fill", 10, 10, false},
		{"table.grow", 100, 100, false}, {"table.grow", 1001, 0, true}, {"table.grow", 1<<32 - 1, 0, true},
	} {
		base := inst.fuel(t, c.name, 0)
		got := inst.fuel(t, c.name, c.size) - base
		if c.free && got != 0 || !c.free && (got < c.atLeast || got > 2*c.atLeast) {
			t.Errorf("%s of %d costs %d more than of 0", c.name, c.size, got)
		}
	}
}

// recursions export a function f whose argument is the depth of its recursion.
var recursions = map[string]string{
	"direct": `(func $f (export "f") (param i32) (result i32)
		(if (result i32) (local.get 0)
			(then (return (i32.add (call $f (i32.sub (local.get 0) (i32.const 1))) (i32.const 1))))
			(else (i32.const 0))))`,
	"mutual": `(func $f (export "f") (param i32) (result i32)
			(if (i32.eqz (local.get 0)) (then (return (i32.const 0))))
			(call $g (i32.sub (local.get 0) (i32.const 1))))
		(func $g (param i32) (result i32) (i32.add (i32.const 1) (call $f (local.get 0))))`,
	"indirect": `(type $t (func (param i32) (result i32))) (table funcref (elem $f))
		(func $f (export "f") (param i32) (result i32)
			(if (result i32) (local.get 0)
				(then (i32.add (i32.const 1)
					(call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))
				(else (i32.const 0))))`,
	"br": `(func $f (export "f") (param i32) (result i32)
		(block (br_if 1 (i32.const 0) (i32.eqz (local.get 0))) (drop))
		(i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))`,
	"br_table": `(func $f (export "f") (param i32) (result i32)
		(block
			(block (br_table 0 1 (i32.ne (local.get 0) (i32.const 0))))
			(br_table 1 1 (i32.const 0) (i32.const 5)))
		(i32.add (i32.const 1) (call $f (i32.sub (local.get 0) (i32.const 1)))))`,
	"several results": `(func $g (param i32) (result i32 i64)
			(if (i32.eqz (local.get 0)) (then (return (i32.const 0) (i64.const 0))))
			(call $g (i32.sub (local.get 0) (i32.const 1))))
		(func (export "f") (param i32) (result i32) (drop (call $g (local.get 0))))`,
}

// TestStack: calls that are too deep trap, and calls that return give back their stack.
func TestStack(t *testing.T) {
	for name, text := range recursions {
		t.Run(name, func(t *testing.T) {
			module := meter(t, wat(t, "(module "+text+")"), options)
			validate(t, module)
			inst := mustStart(t, module, 1<<40)
			f, left := inst.ExportedFunction("f"), inst.ExportedGlobal(options.Stack)
			full := left.Get()
			if full != 1<<20 {
				t.Fatalf("the stack counter starts at %d", full)
			}
			if _, err := f.Call(context.Background(), 1000); err != nil {
				t.Error("1,000 deep: ", err)
			}
			if left.Get() != full {
				t.Errorf("%d bytes are not given back", full-left.Get())
			}
			if _, err := f.Call(context.Background(), 1_000_000); err == nil || inst.callback.overflows != 1 {
				t.Errorf("1,000,000 deep: %v", err)
			}
		})
	}
}

// TestTailCallsGiveBack: a chain of tail calls takes the stack of one call.
func TestTailCallsGiveBack(t *testing.T) {
	inst := mustStart(t, meter(t, wat(t, `(module (type $t (func (param i32) (result i32))) (table funcref (elem $f $g))
		(func $f (export "f") (param i32) (result i32)
			(if (i32.eqz (local.get 0)) (then (return (i32.const 7))))
			(if (i32.eq (local.get 0) (i32.const -1)) (then (drop (call $f (i32.const 0)))))
			(return_call $g (i32.sub (local.get 0) (i32.const 1))))
		(func $g (param i32) (result i32)
			(if (i32.eqz (local.get 0)) (then (return (i32.const 8))))
			(return_call_indirect (type $t) (i32.sub (local.get 0) (i32.const 1)) (i32.const 0))))`), options), 1<<40)
	got, err := inst.ExportedFunction("f").Call(context.Background(), 1_000_000)
	if err != nil || got[0] != 7 {
		t.Error(got, err)
	}
	if left := inst.ExportedGlobal(options.Stack).Get(); left != 1<<20 {
		t.Errorf("%d bytes are not given back", 1<<20-int64(left))
	}
}

func TestNamesSurvive(t *testing.T) {
	module := wat(t, `(module (import "azu" "send" (func $send)) (func $inner (unreachable))
		(func $outer (export "f") (call $send) (call $inner)))`)
	module = append(module, "\x00\x0d\x0b.debug_info!\x00\x06\x04keep!"...)
	out := meter(t, module, options)
	inst := mustStart(t, out, 1000)
	_, err := inst.ExportedFunction("f").Call(context.Background())
	if err == nil || !strings.Contains(err.Error(), ".inner(") || !strings.Contains(err.Error(), ".outer(") {
		t.Errorf("the stack trace does not name the functions: %v", err)
	}
	if len(inst.log) != 1 {
		t.Errorf("calls of the host: %v", inst.log)
	}
	got := scan(t, out).Customs
	if want := []string{"name", "keep"}; !reflect.DeepEqual(got, want) {
		t.Errorf("custom sections %q, want %q", got, want)
	}
}

// TestLongNames: long names are cut, because a compiler stores the module's name once for each function.
func TestLongNames(t *testing.T) {
	name := func(s string) string { return lebs(len(s)) + s }
	long := "x" + strings.Repeat("é", 1<<20)
	kept := "x" + strings.Repeat("é", 127)
	part := func(id byte, content ...string) string { return sec(id, content...) }
	names := part(0, name(long)) + part(1, "\x01\x00", name(long)) + part(2, "\x01\x00\x01\x00", name(long))
	in := module(sec(1, "\x01\x60\x00\x00"), sec(3, "\x01\x00"), sec(7, "\x01", name("f"), "\x00\x00"),
		sec(10, "\x01\x03\x00\x00\x0b"), sec(0, name("name"), names), sec(0, name("keep"), "!"))
	for how, out := range map[string][]byte{
		"metered": meter(t, in, options), "unmetered": wasm.CutNames(in, scan(t, in)),
	} {
		if len(out) > 4<<10 {
			t.Errorf("%s: %d bytes are left of %d", how, len(out), len(in))
		}
		m := scan(t, out)
		if len(m.Names) != 1 || m.Names[0].Name != kept || len(m.Customs) != 2 {
			t.Errorf("%s: names %.300v, custom sections %q", how, m.Names, m.Customs)
		}
		validate(t, out)
		inst := mustStart(t, out, 1000)
		_, err := inst.ExportedFunction("f").Call(context.Background())
		if err == nil || !strings.Contains(err.Error(), kept+"."+kept+"(") {
			t.Errorf("%s: the stack trace does not name the function: %.600v", how, err)
		}
	}
	short := module(sec(0, name("name"), part(0, name(kept)), part(2, "\x00")))
	if out := wasm.CutNames(short, scan(t, short)); !bytes.Equal(out, short) {
		t.Error("CutNames changed a module with short names")
	}
}

func TestReservedNames(t *testing.T) {
	for _, text := range []string{
		`(module (import "meter" "hook" (func (param i32))))`,
		`(module (func (export "meter fuel")))`,
		`(module (memory (export "meter stack") 1))`,
	} {
		module := wat(t, text)
		_, err := wasm.Meter(module, scan(t, module), options)
		if err == nil || !strings.Contains(err.Error(), "reserved") {
			t.Errorf("%s: %v", text, err)
		}
	}
}

func TestAnotherModule(t *testing.T) {
	module := wat(t, countText)
	m := scan(t, module)
	module[len(module)-1] ^= 1
	if _, err := wasm.Meter(module, m, options); err == nil {
		t.Error("a module that was not scanned is metered")
	}
}

// TestTestplugins calls all exports of the test plugins, metered and unmetered, and compares.
func TestTestplugins(t *testing.T) {
	files, err := filepath.Glob(filepath.Join("..", "..", "testplugins", "*.wasm"))
	if err != nil || len(files) == 0 {
		t.Fatal("no testplugins: ", err)
	}
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			module, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			out := meter(t, module, options)
			validate(t, out)
			for _, e := range scan(t, module).Exports {
				if e.Kind == wasm.Func {
					compareCalls(t, module, out, e.Name, make([]uint64, len(e.Type.Params)))
					args := []uint64{3, 5, 1, 2, 4, 6}
					compareCalls(t, module, out, e.Name, args[:len(e.Type.Params)])
				}
			}
		})
	}
}

// compareCalls calls a function in fresh instances of both modules, and compares. It skips calls that take too long.
func compareCalls(t *testing.T, module, metered []byte, name string, args []uint64) {
	t.Helper()
	b := mustStart(t, metered, 1000)
	b.callback.limit = 10_000_000
	got, err := b.ExportedFunction(name).Call(context.Background(), args...)
	if err == nil || !strings.Contains(err.Error(), "out of fuel") {
		mustStart(t, module, 0).compare(t, b, name, args, got, err)
	}
}

// compare calls a function, and compares the results, the calls of host functions and the memory with those of metered,
// where the same call gave want and wantErr.
func (i *instance) compare(
	t *testing.T, metered *instance, name string, args, want []uint64, wantErr error,
) {
	t.Helper()
	got, err := i.ExportedFunction(name).Call(context.Background(), args...)
	if !reflect.DeepEqual(got, want) || (err == nil) != (wantErr == nil) {
		t.Errorf("%s%v: %v %v, metered %v %v", name, args, got, err, want, wantErr)
	}
	if !reflect.DeepEqual(i.log, metered.log) {
		t.Errorf("%s%v: calls of the host: %v, metered %v", name, args, i.log, metered.log)
	}
	if memorySum(i) != memorySum(metered) {
		t.Errorf("%s%v: the memories differ", name, args)
	}
}

func TestGoGuest(t *testing.T) {
	notWithRace(t)
	module := goGuest(t)
	out := meter(t, module, options)
	validate(t, out)
	a, b := mustStart(t, module, 0), mustStart(t, out, 1000)
	for name, n := range map[string]uint64{"parse": 20, "sorted": 5000, "fib": 15, "deep": 1000} {
		got, err := b.ExportedFunction(name).Call(context.Background(), n)
		a.compare(t, b, name, []uint64{n}, got, err)
	}
	_, err := b.ExportedFunction("deep").Call(context.Background(), 1_000_000)
	if err == nil || b.callback.overflows != 1 {
		t.Errorf("a Go guest a million calls deep: %v", err)
	}
}
