package host_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Hostile modules that WAT can not say, or only at great length: huge ones and
// malformed ones. The others are in testplugins/hostile.

const hostileDir = "../testplugins/hostile/"

// code is machine code of WebAssembly, without the end of its function.
type code = []byte

// numbers of opcodes that are needed here.
const (
	opBlock      = 0x02
	opLoop       = 0x03
	opEnd        = 0x0b
	opBranch     = 0x0c
	opBranchIf   = 0x0d
	opReturnCall = 0x12
	opConst      = 0x41
	opPrefix     = 0xfc
	memoryCopy   = 10
	memoryFill   = 11
	tableFill    = 17
	empty        = 0x40
)

func leb(n int) []byte {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

// constant is i32.const n, for n from 0.
func constant(n int) []byte {
	out := code{opConst}
	for ; n >= 0x40; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

func wasmString(s string) []byte { return append(leb(len(s)), s...) }

func wasmSection(id byte, content ...[]byte) []byte {
	body := slices.Concat(content...)
	return slices.Concat([]byte{id}, leb(len(body)), body)
}

func wasmBody(locals, code []byte) []byte {
	body := slices.Concat(locals, code, []byte{opEnd})
	return append(leb(len(body)), body...)
}

// noLocals is the empty vector of locals.
var noLocals = []byte{0}

// bigModule is a plugin that runs some code in on_message, and can have more
// functions, which do nothing.
type bigModule struct {
	locals []byte // of on_message; nil: none
	code   code   // of on_message, which returns 0 after it
	pages  int    // of memory
	table  int    // elements of the table
	extra  int    // functions
}

func (m bigModule) encode() []byte {
	types := []byte{
		3,
		0x60, 0, 1, 0x7e, // 0: azu_v1
		0x60, 3, 0x7e, 0x7f, 0x7f, 1, 0x7f, // 1: on_message
		0x60, 0, 0, // 2: the others
	}
	functions := slices.Concat(leb(2+m.extra), []byte{0, 1}, bytes.Repeat([]byte{2}, m.extra))
	exports := slices.Concat(leb(3),
		wasmString("memory"), []byte{2, 0}, wasmString("azu_v1"), []byte{0, 0}, wasmString("on_message"), []byte{0, 1})
	if m.locals == nil {
		m.locals = noLocals
	}
	// The inbox is empty: the code does not look at what came.
	bodies := slices.Concat(leb(2+m.extra), wasmBody(noLocals, code{0x42, 0}),
		wasmBody(m.locals, append(m.code, opConst, 0)), bytes.Repeat(wasmBody(noLocals, nil), m.extra))
	out := append([]byte("\x00asm\x01\x00\x00\x00"), wasmSection(1, types)...)
	out = append(out, wasmSection(3, functions)...)
	if m.table > 0 {
		out = append(out, wasmSection(4, []byte{1, 0x70, 1}, leb(m.table), leb(m.table))...)
	}
	out = append(out, wasmSection(5, []byte{1, 0}, leb(max(m.pages, 1)))...)
	out = append(out, wasmSection(7, exports)...)
	return append(out, wasmSection(10, bodies)...)
}

// fills is straight-line code: n times an operation over a whole memory, or a
// whole table.
func fills(n int, one code) []byte { return bytes.Repeat(one, n) }

// endless begins anew at the end.
func endless(body code) code {
	return slices.Concat(code{opLoop, empty}, body, code{opBranch, 0, opEnd})
}

func fillMemory(bytes int) code {
	return slices.Concat(constant(0), constant(1), constant(bytes), code{opPrefix, memoryFill, 0})
}

func copyMemory(bytes int) code {
	return slices.Concat(constant(0), constant(bytes), constant(bytes), code{opPrefix, memoryCopy, 0, 0})
}

func fillTable(elements int) code {
	return slices.Concat(constant(0), code{0xd0, 0x70}, constant(elements), code{opPrefix, tableFill, 0})
}

// nested has n blocks in each other.
func nested(n int) code {
	return append(bytes.Repeat(code{opBlock, empty}, n), bytes.Repeat(code{opEnd}, n)...)
}

// branches has n conditional branches out of one block.
func branches(n int) code {
	return slices.Concat(code{opBlock, empty}, bytes.Repeat(code{0x20, 1, opBranchIf, 0}, n), code{opEnd})
}

// loops has n loops in each other, and in the innermost all locals are set
// from one another: each of them can change in each loop.
func loops(n, locals int) code {
	out := bytes.Repeat(code{opLoop, empty}, n)
	for i := range locals {
		out = slices.Concat(out, code{0x20}, leb(3+i), code{0x21}, leb(3+(i*7)%locals))
	}
	return append(out, bytes.Repeat(code{opConst, 0, opBranchIf, 0, opEnd}, n)...)
}

// living sets locals, goes through n blocks with two ways in, and reads them.
func living(n, locals int) code {
	var out, reads code
	for i := range locals {
		out = slices.Concat(out, code{0x20, 1, 0x21}, leb(3+i))
		reads = slices.Concat(reads, code{0x20}, leb(3+i), code{0x1a})
	}
	return slices.Concat(out, bytes.Repeat(code{opBlock, empty, 0x20, 1, opBranchIf, 0, opEnd}, n), reads)
}

// tailCall calls on_message from itself by return_call, with its own parameters.
func tailCall() code { return code{0x20, 0, 0x20, 1, 0x20, 2, opReturnCall, 1} }

// endlessTailCalls runs away when it gets a message, as the others of its kind do.
func endlessTailCalls() []byte { return bigModule{code: tailCall()}.encode() }

// longNames traps 100 calls deep, in a function whose name has 7 MiB, as has the module's.
func longNames() []byte {
	name := wasmString(strings.Repeat("n", 7<<20))
	functions := slices.Concat(leb(1), leb(1), name)
	part := func(id byte, content []byte) []byte { return slices.Concat([]byte{id}, leb(len(content)), content) }
	return append(bigModule{code: slices.Concat(
		code{0x20, 2}, constant(100), code{0x4b, 0x04, empty, 0x00, opEnd}, // if the kind is above 100: unreachable
		code{0x20, 0, 0x20, 1, 0x20, 2}, constant(1), code{0x6a, 0x10, 1, 0x1a}, // itself, with one more
	)}.encode(), wasmSection(0, wasmString("name"), part(0, name), part(1, functions))...)
}

// goodFile is a module with nothing wrong.
func goodFile() []byte { return bigModule{}.encode() }

// hugeFile has a header and 100 MB of a custom section behind it, all of it a
// hole in the file.
func hugeFile(t testing.TB, file string) {
	const size = 100_000_000
	head := slices.Concat([]byte("\x00asm\x01\x00\x00\x00\x00"), leb(size-8-5), wasmString("x"))
	if err := os.WriteFile(file, head, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

// hostileFile gives the file of a case: what was committed, or what is built here.
func hostileFile(t testing.TB, c *hostileCase) string {
	t.Helper()
	if c.build == nil && c.name != "file_huge" {
		return hostileDir + strings.SplitN(c.name, "-", 2)[0] + ".wasm"
	}
	file := filepath.Join(t.TempDir(), c.name+".wasm")
	if c.build == nil {
		hugeFile(t, file)
		return file
	}
	if err := os.WriteFile(file, c.build(), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// TestHostileModules holds the builder against the host: what it makes is
// hostile by its size or its code, and not by a mistake.
func TestHostileModules(t *testing.T) {
	file := filepath.Join(t.TempDir(), "good.wasm")
	write(t, file, bigModule{
		locals: []byte{1, 100, 0x7f}, pages: 2, table: 10, extra: 20,
		code: slices.Concat(nested(10), fills(3, fillMemory(1<<16)), fills(3, copyMemory(1<<15)), fills(3, fillTable(10))),
	}.encode())
	h, url := serve(t, hostOptions(file))
	c := dial(t, url+"/c")
	send(t, c, "x")
	wantMetric(t, h, `azuhost_plugin_hook_duration_seconds_count{hook="on_message",plugin="good",route="/c"}`, 1)
	if n := metric(t, h, `azuhost_plugin_faults_total{plugin="good",reason="trap",route="/c"}`); n > 0 {
		t.Error("it trapped")
	}
}
