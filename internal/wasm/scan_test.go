package wasm_test

import (
	"bytes"
	"errors"
	"reflect"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/internal/wasm"
)

var header = []byte("\x00asm\x01\x00\x00\x00")

// lebs returns n as an unsigned LEB128 number.
func lebs(n int) string {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return string(append(out, byte(n)))
}

// sec returns a section.
func sec(id byte, content ...string) string {
	all := strings.Join(content, "")
	return string([]byte{id}) + lebs(len(all)) + all
}

// module returns a module of sections.
func module(sections ...string) []byte {
	return append(bytes.Clone(header), strings.Join(sections, "")...)
}

// function returns a module of one function () -> (), with encoded locals and code.
func function(locals, code string) []byte {
	body := locals + code + "\x0b"
	return module(sec(1, "\x01\x60\x00\x00"), sec(3, "\x01\x00"), sec(10, "\x01", lebs(len(body)), body))
}

// code returns a module of a memory, a table, and one function without locals.
func code(code string) []byte {
	body := "\x00" + code + "\x0b"
	return module(sec(1, "\x01\x60\x00\x00"), sec(3, "\x01\x00"), sec(4, "\x01\x70\x00\x01"), sec(5, "\x01\x00\x01"),
		sec(10, "\x01", lebs(len(body)), body))
}

// reads returns a local.get and a drop for each of n locals. n is below 128.
func reads(n int) string {
	var out strings.Builder
	for i := range n {
		out.WriteString("\x20" + string(rune(i)) + "\x1a")
	}
	return out.String()
}

// malformed are malformed modules, by a part of the error.
var malformed = map[string][]byte{
	"no header":                      nil,
	"header of":                      []byte("\x00asm\x0d\x00\x01\x00"),
	"unexpected end":                 module("\x01\x05\x01"),
	"bytes too many in the type":     module(sec(1, "\x00\x00")),
	"twice or too late":              module(sec(3, "\x00"), sec(1, "\x00")),
	"unknown section":                module(sec(14)),
	"do not fit":                     module(sec(1, "\xff\xff\xff\xff\x0f")),
	"longer than 32 bits":            module(sec(1, "\xff\xff\xff\xff\x7f")),
	"is not a function type":         module(sec(1, "\x01\x61")),
	"no type 0":                      module(sec(3, "\x01\x00")),
	"different lengths":              module(sec(1, "\x01\x60\x00\x00"), sec(3, "\x01\x00")),
	"no function 1":                  code("\x10\x01"),
	"no local 0":                     code("\x20\x00\x1a"),
	"no global 0":                    code("\x23\x00\x1a"),
	"no table 1":                     code("\x25\x01"),
	"no label 1":                     code("\x0c\x01"),
	"no type 1":                      code("\x41\x00\x11\x01\x00"),
	"no element segment 0":           code("\xfc\x0d\x00"),
	"without a data count section":   code("\xfc\x09\x00"),
	"an else without":                code("\x05"),
	"is not a type":                  function("\x01\x01\x40", ""),
	"without a memory":               function("\x00", "\x3f\x00\x1a"),
	"unknown instruction":            code("\xff"),
	"bytes too many in a function":   code("\x0b\x01"),
	"not in its shortest form":       code("\xfd\x8c\x00"),
	"start: there is no function":    module(sec(8, "\x00")),
	"there is no memory 0":           module(sec(7, "\x01\x01m\x02\x00")),
	"two exports":                    module(sec(5, "\x01\x00\x01"), sec(7, "\x02\x01m\x02\x00\x01m\x02\x00")),
	"is not UTF-8":                   module(sec(0, "\x01\xff")),
	"function names do not fit":      module(sec(0, "\x04name\x01\x05\xff\xff\xff\xff\x0f")),
	"two name sections":              module(sec(0, "\x04name"), sec(0, "\x04name")),
	"in a constant expression":       module(sec(6, "\x01\x7f\x00\x01\x0b")),
	"of 2 to 1 pages":                module(sec(5, "\x01\x01\x02\x01")),
	"select with 2 types":            code("\x1c\x02\x7f\x7f"),
	"alignment":                      code("\x28\x20\x00"),
	"kind 0x3 of data segment":       module(sec(5, "\x01\x00\x01"), sec(11, "\x01\x03\x00")),
	"kind 0x8 of element segment":    module(sec(9, "\x01\x08\x00")),
	"kind 9 of import":               module(sec(2, "\x01\x01a\x01b\x09\x00")),
	"is mutable (1) or":              module(sec(6, "\x01\x7f\x02\x41\x00\x0b")),
	"a data segment without":         module(sec(11, "\x01\x00\x41\x00\x0b\x00")),
	"data count section and":         module(sec(5, "\x01\x00\x01"), sec(12, "\x01")),
	"function section and the code ": module(sec(1, "\x01\x60\x00\x00"), sec(3, "\x01\x00")),
}

func TestMalformed(t *testing.T) {
	for text, m := range malformed {
		_, err := wasm.Scan(m, wasm.Limits{})
		var syntax *wasm.SyntaxError
		if text == "header of" {
			text = "component"
		}
		if text == "function section and the code " {
			text = "function section and the code section"
		}
		if !errors.As(err, &syntax) || !strings.Contains(err.Error(), text) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestFeaturesThatStayOff(t *testing.T) {
	for name, m := range map[string][]byte{
		"exception handling":                code("\x06\x40\x0b"),
		"threads":                           code("\xfe\x03\x00"),
		"garbage collection":                module(sec(1, "\x01\x4e\x01\x60\x00\x00")),
		"typed function references":         code("\x14\x00"),
		"relaxed SIMD":                      code("\xfd\x80\x02"),
		"multi-memory":                      module(sec(5, "\x02\x00\x01\x00\x01")),
		"memory64":                          module(sec(5, "\x01\x04\x01")),
		"tables without a declared maximum": code("\xd0\x70\x41\x01\xfc\x0f\x00\x1a"),
	} {
		_, err := wasm.Scan(m, wasm.Limits{})
		var feature *wasm.FeatureError
		if !errors.As(err, &feature) || feature.Feature != name {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, m := range [][]byte{
		module(sec(5, "\x01\x03\x01\x01")), module(sec(13, "\x01\x00\x00")), module(sec(2, "\x01\x01a\x01b\x04\x00\x00")),
	} {
		var feature *wasm.FeatureError
		if _, err := wasm.Scan(m, wasm.Limits{}); !errors.As(err, &feature) {
			t.Errorf("%q: %v", m, err)
		}
	}
}

func TestLimits(t *testing.T) {
	nop := "\x01\x60\x00\x00" // the type () -> ()
	i32s := func(n int) string { return lebs(n) + strings.Repeat("\x7f", n) }
	calls := strings.Repeat("\x10\x01", 7)
	branches := strings.Repeat("\x20\x00\x0d\x00", 400) + strings.Repeat("\x20\x00\x1a", 390)
	for _, c := range []struct {
		key    string
		found  uint64
		limits wasm.Limits
		module []byte
	}{
		{"module", 100, wasm.Limits{Module: 99}, append(module(), make([]byte, 92)...)},
		{"types", 2, wasm.Limits{Types: 1}, module(sec(1, "\x02\x60\x00\x00\x60\x00\x00"))},
		{"params", 1001, wasm.Limits{}, module(sec(1, "\x01\x60", i32s(1001), "\x00"))},
		{"results", 1001, wasm.Limits{}, module(sec(1, "\x01\x60\x00", i32s(1001)))},
		{"imports", 2, wasm.Limits{Imports: 1}, module(sec(2, "\x02\x01a\x01b\x03\x7f\x00\x01a\x01b\x03\x7f\x00"))},
		{"exports", 2, wasm.Limits{Exports: 1},
			module(sec(5, "\x01\x00\x01"), sec(7, "\x02\x01a\x02\x00\x01b\x02\x00"))},
		{"globals", 2, wasm.Limits{Globals: 1}, module(sec(6, "\x02\x7f\x00\x41\x00\x0b\x7f\x00\x41\x00\x0b"))},
		{"functions", 2, wasm.Limits{Functions: 1}, module(sec(1, nop), sec(3, "\x02\x00\x00"))},
		{"body", 12, wasm.Limits{Body: 11}, code(strings.Repeat("\x01", 10))},
		{"locals", 100_000_000, wasm.Limits{}, function("\x01"+lebs(100_000_000)+"\x7f", "")},
		{"locals", 1<<33 - 2, wasm.Limits{}, function("\x02\xff\xff\xff\xff\x0f\x7f\xff\xff\xff\xff\x0f\x7f", "")},
		{"total_locals", 40_000, wasm.Limits{TotalLocals: 39_999}, function("\x01"+lebs(40_000)+"\x7f", "")},
		{"nesting", 1001, wasm.Limits{}, code(strings.Repeat("\x02\x40", 60_000) + strings.Repeat("\x0b", 60_000))},
		{"branches", 20_000, wasm.Limits{Branches: 19_999},
			code("\x41\x00\x0e" + lebs(20_000) + strings.Repeat("\x00", 20_001))},
		{"blocks", 10_001, wasm.Limits{}, code(strings.Repeat("\x02\x40\x0b", 10_001))},
		{"local_work", 20 * 21, wasm.Limits{LocalWork: 20*21 - 1},
			function("\x01\x14\x7f", strings.Repeat("\x02\x40\x0b", 21)+reads(20))},
		{"local_work", 401 + (400*401/2+390*401)/16, wasm.Limits{LocalWork: 100},
			function("\x01\x01\x7f", "\x02\x40"+branches+"\x0b")},
		{"work", 10_000, wasm.Limits{Work: 9_999}, code(strings.Repeat("\x02\x40\x0b", 100))},
		{"operands", 1001, wasm.Limits{Operands: 1000}, module(sec(1, "\x02\x60\x00\x00\x60\x00", i32s(143)),
			sec(3, "\x02\x00\x01"), sec(10, "\x02", lebs(16), "\x00", calls, "\x0b", "\x03\x00\x00\x0b"))},
		{"tables", 17, wasm.Limits{}, module(sec(4, "\x11", strings.Repeat("\x70\x00\x01", 17)))},
		{"table_size", 100_001, wasm.Limits{}, module(sec(4, "\x01\x70\x00", lebs(100_001)))},
		{"table_size", 100_001, wasm.Limits{}, module(sec(1, nop), sec(3, "\x01\x00"),
			sec(4, "\x01\x70\x01\x01", lebs(100_001)), sec(10, "\x01\x0a\x00\xd0\x70\x41\x01\xfc\x0f\x00\x1a\x0b"))},
		{"memory_pages", 1025, wasm.Limits{}, module(sec(5, "\x01\x00", lebs(1025)))},
		{"data", 2, wasm.Limits{Data: 1}, module(sec(5, "\x01\x00\x01"), sec(11, "\x02\x01\x00\x01\x00"))},
		{"elements", 2, wasm.Limits{Elements: 1},
			module(sec(4, "\x01\x70\x00\x01"), sec(9, "\x02\x01\x00\x00\x01\x00\x00"))},
		{"element_values", 3, wasm.Limits{ElementValues: 2},
			module(sec(4, "\x01\x70\x00\x01"), sec(9, "\x01\x05\x70\x03", strings.Repeat("\xd0\x70\x0b", 3)))},
		{"customs", 2, wasm.Limits{Customs: 1}, module(sec(0, "\x01a"), sec(0, "\x01b"))},
		{"custom_bytes", 14, wasm.Limits{CustomBytes: 13}, module(sec(0, "\x01a", "0123456789"))},
		{"name", 4097, wasm.Limits{}, module(sec(0, lebs(4097), strings.Repeat("x", 4097)))},
	} {
		_, err := wasm.Scan(c.module, c.limits)
		var limit *wasm.LimitError
		if !errors.As(err, &limit) {
			t.Errorf("%s: %v", c.key, err)
			continue
		}
		if limit.Key != "limits.max_"+c.key || limit.Found != c.found || limit.Found <= limit.Limit {
			t.Errorf("%s: %v", c.key, err)
		}
		if !strings.Contains(err.Error(), limit.Key) {
			t.Errorf("%s is not in the text: %v", c.key, err)
		}
	}
}

// TestLocalsOfOneBlock: locals that are set and read in the same block are not live across blocks.
func TestLocalsOfOneBlock(t *testing.T) {
	set := strings.ReplaceAll(reads(50), "\x1a", "\x1a\x41\x00\x21\x00")
	var local strings.Builder
	for i := range 50 {
		local.WriteString("\x02\x40\x41\x00\x21" + string(rune(i)) + "\x20" + string(rune(i)) + "\x1a\x0b")
	}
	for want, body := range map[bool]string{true: local.String(), false: local.String() + set} {
		_, err := wasm.Scan(function("\x01\x32\x7f", body), wasm.Limits{LocalWork: 50})
		if (err == nil) != want {
			t.Errorf("accepted %v: %v", !want, err)
		}
	}
}

func TestModule(t *testing.T) {
	m := scan(t, wat(t, `(module $m
		(import "azu" "send" (func $send (param i64 i32) (result i32)))
		(import "env" "base" (global $base i32))
		(memory (export "memory") 2 10)
		(table $t 3 8 funcref)
		(global $g (export "count") (mut i64) (i64.const 0))
		(func $hook (export "on_message") (param i64 i32 i32) (result i32)
			(v128.store (i32.const 0) (v128.const i64x2 1 2))
			(drop (table.grow $t (ref.null func) (i32.const 1)))
			(i32.const 0))
		(func $init)
		(start $init)
		(data (i32.const 0) "hello")
		(elem (i32.const 0) $hook))`))
	i32 := []wasm.ValueType{wasm.I32}
	send := wasm.FuncType{Params: []wasm.ValueType{wasm.I64, wasm.I32}, Results: i32}
	hook := wasm.FuncType{Params: []wasm.ValueType{wasm.I64, wasm.I32, wasm.I32}, Results: i32}
	if want := []wasm.Import{
		{Module: "azu", Name: "send", Kind: wasm.Func, Type: send},
		{Module: "env", Name: "base", Kind: wasm.GlobalKind, Global: wasm.Global{Type: wasm.I32}},
	}; !reflect.DeepEqual(m.Imports, want) {
		t.Errorf("imports: %+v", m.Imports)
	}
	if want := []wasm.Export{
		{Name: "memory", Kind: wasm.MemoryKind},
		{Name: "count", Kind: wasm.GlobalKind, Index: 1, Global: wasm.Global{Type: wasm.I64, Mutable: true}},
		{Name: "on_message", Kind: wasm.Func, Index: 1, Type: hook},
	}; !reflect.DeepEqual(m.Exports, want) {
		t.Errorf("exports: %+v", m.Exports)
	}
	table := wasm.Table{Elem: wasm.FuncRef, Min: 3, Max: 8, HasMax: true, Grows: true}
	if want := []wasm.Table{table}; !reflect.DeepEqual(m.Tables, want) {
		t.Errorf("tables: %+v", m.Tables)
	}
	if m.Memory == nil || *m.Memory != (wasm.Memory{Min: 2, Max: 10, HasMax: true}) {
		t.Errorf("memory: %+v", m.Memory)
	}
	if m.Start != 2 || m.Functions != 2 || m.ImportedFunctions != 1 {
		t.Errorf("%+v", m)
	}
	if want := []wasm.FuncName{{0, "send"}, {1, "hook"}, {2, "init"}}; !reflect.DeepEqual(m.Names, want) {
		t.Errorf("names: %v", m.Names)
	}
	if !reflect.DeepEqual(m.Customs, []string{"name"}) {
		t.Errorf("custom sections: %v", m.Customs)
	}
	if want := (wasm.Features{SIMD: true, BulkMemory: true, ReferenceTypes: true}); m.Features != want {
		t.Errorf("features: %+v", m.Features)
	}
	if got, ok := m.FuncType(1); !ok || !reflect.DeepEqual(got, hook) {
		t.Errorf("type of function 1: %v", got)
	}
	if _, ok := m.FuncType(3); ok {
		t.Error("there is no function 3")
	}
}

// TestTruncated: a truncated module is refused, unless it ends with a section.
func TestTruncated(t *testing.T) {
	whole := wat(t, countText)
	ends := map[int]bool{}
	for at := len(header); at < len(whole); {
		ends[at] = true
		size, n, shift := 0, at+1, 0
		for ; ; n++ {
			size |= int(whole[n]&0x7f) << shift
			shift += 7
			if whole[n] < 0x80 {
				break
			}
		}
		at = n + 1 + size
	}
	for n := range whole {
		if _, err := wasm.Scan(whole[:n], wasm.Limits{}); err == nil && !ends[n] {
			t.Errorf("accepted when cut to %d bytes", n)
		}
	}
}
