package plugin

import (
	"encoding/binary"
	"flag"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

var update = flag.Bool("update", false, "write testplugins/forward.wat")

// Addresses in the memory of the guest forward.
const (
	forwardResult = 0       // i64
	forwardInbox  = 1 << 16 // byte: index in abi.Imports; from byte 8: arguments, 8 bytes each
	forwardArgs   = forwardInbox + 8
	forwardText   = forwardInbox + 64 // data of the test, after the arguments
	forwardBuf    = 2 << 16
	forwardSize   = 3 << 16
)

// forwardWAT returns the source of the guest that calls any host function with any arguments.
func forwardWAT() string {
	var b strings.Builder
	b.WriteString(";; forward calls the host function whose index in abi.Imports is the first byte of\n" +
		";; a message, with the arguments that follow from byte 8 on, 8 bytes each. The\n" +
		";; result goes to address 0. A test generates this file: go test -run Forward -update\n(module\n")
	for _, im := range abi.Imports {
		fmt.Fprintf(&b, "  (import %q %q (func $%s", abi.Module, im.Name, im.Name)
		for _, p := range im.Params {
			fmt.Fprintf(&b, " (param $%s %s)", p.Name, p.Type)
		}
		fmt.Fprintf(&b, " (result %s)))\n", im.Result)
	}
	fmt.Fprintf(&b, "  (memory (export \"memory\") %d)\n", forwardSize>>16)
	fmt.Fprintf(&b, "  (func (export \"azu_v1\") (result i64) (i64.const %#x))\n", uint64(forwardInbox)<<32|1<<16)
	b.WriteString("  (func (export \"on_message\") (param $conn i64) (param $len i32) (param $kind i32) (result i32)\n" +
		"    (local $r i64)\n    (block $done\n")
	for i := len(abi.Imports) - 1; i >= 0; i-- {
		fmt.Fprintf(&b, "    (block $%s\n", abi.Imports[i].Name)
	}
	b.WriteString("      (br_table")
	for _, im := range abi.Imports {
		b.WriteString(" $" + im.Name)
	}
	fmt.Fprintf(&b, " $done (i32.load8_u (i32.const %d))))\n", forwardInbox)
	for i, im := range abi.Imports {
		call := "(call $" + im.Name
		for k, p := range im.Params {
			call += fmt.Sprintf(" (%s.load (i32.const %d))", p.Type, forwardArgs+8*k)
		}
		call += ")"
		if im.Result == abi.I32 {
			call = "(i64.extend_i32_s " + call + ")"
		}
		fmt.Fprintf(&b, "      (local.set $r %s)", call)
		if i < len(abi.Imports)-1 {
			b.WriteString(" (br $done))\n")
		} else {
			b.WriteString(")\n")
		}
	}
	fmt.Fprintf(&b, "    (i64.store (i32.const %d) (local.get $r))\n    (i32.const 0)))\n", forwardResult)
	return b.String()
}

func TestForwardGuestIsCurrent(t *testing.T) {
	path := filepath.Join("..", "..", "..", "testplugins", "forward.wat")
	if *update {
		if err := os.WriteFile(path, []byte(forwardWAT()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != forwardWAT() {
		t.Error("testplugins/forward.wat does not fit host/abi: run go test -run Forward -update, then wat2wasm")
	}
}

// forwardEvent returns a message for forward: the index of the host function, its arguments, and text at forwardText.
func forwardEvent(index int, args []uint64, text string) []byte {
	b := make([]byte, forwardText-forwardInbox+len(text))
	b[0] = byte(index)
	for i, a := range args {
		binary.LittleEndian.PutUint64(b[8+8*i:], a)
	}
	copy(b[forwardText-forwardInbox:], text)
	return b
}

func importIndex(t testing.TB, name string) int {
	for i, im := range abi.Imports {
		if im.Name == name {
			return i
		}
	}
	t.Fatalf("no import %s", name)
	return 0
}

// forwarder is a plugin with the guest forward and its one instance.
type forwarder struct {
	t    testing.TB
	inst *instance
}

func newForwarder(t testing.TB, o Options) *forwarder {
	p := newPlugin(t, o, guest(t, "forward"))
	v, inst, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { p.release(v, inst) })
	return &forwarder{t: t, inst: inst}
}

// call calls a host function, with text at forwardText in the guest, and returns its result.
func (f *forwarder) call(env Env, name, text string, args ...uint64) (int64, error) {
	f.t.Helper()
	ev := Event{Hook: abi.OnMessage, Data: forwardEvent(importIndex(f.t, name), args, text)}
	err := f.inst.run(&ev, env)
	if _, fault := err.(*Fault); fault {
		return 0, err // the memory is freed
	}
	r, _ := f.inst.call.mem.ReadUint64Le(forwardResult)
	return int64(r), err
}

func (f *forwarder) buf(n uint32) string {
	b, _ := f.inst.call.mem.Read(forwardBuf, n)
	return string(b)
}

func (f *forwarder) clearBuf() { f.inst.call.mem.Write(forwardBuf, make([]byte, 64)) }

func f64(v float64) uint64 { return math.Float64bits(v) }
