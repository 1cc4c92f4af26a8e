package hostile

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// Sections of a module, by the WebAssembly core specification 2.0, section 5.5.
const (
	sectionCustom   = 0
	sectionType     = 1
	sectionFunction = 3
	sectionTable    = 4
	sectionMemory   = 5
	sectionExport   = 7
	sectionCode     = 10
)

// onMessageIndex is the index of the function on_message in a module.
const onMessageIndex = 1

// module is a plugin that runs code in on_message. It is for modules that the text format cannot express, or only at
// great length: large and malformed ones. The others are .wat files in this directory.
type module struct {
	locals []byte // of on_message, as a vector of groups; nil: none
	code   code   // of on_message, which then returns 0
	pages  int    // of memory. 0: 1
	table  int    // elements of the table. 0: no table
	extra  int    // functions that do nothing
}

// noLocals is an empty vector of groups of locals.
var noLocals = []byte{0}

// localGroup is a vector of one group: n locals of a type.
func localGroup(n int, valueType byte) []byte {
	return slices.Concat([]byte{1}, leb(n), []byte{valueType})
}

// encode returns the module in the binary format.
func (m module) encode() []byte {
	types := []byte{
		3,
		typeFunc, 0, 1, typeI64, // 0: azu_v1
		typeFunc, 3, typeI64, typeI32, typeI32, 1, typeI32, // 1: on_message
		typeFunc, 0, 0, // 2: the extra functions
	}
	functions := slices.Concat(leb(2+m.extra), []byte{0, 1}, bytes.Repeat([]byte{2}, m.extra))
	exports := slices.Concat(leb(3), encodeString("memory"), []byte{2, 0}, encodeString("azu_v1"), []byte{0, 0},
		encodeString("on_message"), []byte{0, onMessageIndex})
	if m.locals == nil {
		m.locals = noLocals
	}
	bodies := slices.Concat(leb(2+m.extra),
		encodeBody(noLocals, code{opI64Const, 0}), // an empty inbox, because on_message does not read the message
		encodeBody(m.locals, append(m.code, opI32Const, 0)),
		bytes.Repeat(encodeBody(noLocals, nil), m.extra))
	var table []byte
	if m.table > 0 {
		limits := slices.Concat(leb(m.table), leb(m.table))
		table = encodeSection(sectionTable, []byte{1, typeFuncref, 1}, limits)
	}
	return slices.Concat(
		[]byte("\x00asm\x01\x00\x00\x00"),
		encodeSection(sectionType, types),
		encodeSection(sectionFunction, functions),
		table,
		encodeSection(sectionMemory, []byte{1, 0}, leb(max(m.pages, 1))),
		encodeSection(sectionExport, exports),
		encodeSection(sectionCode, bodies),
	)
}

func encodeString(s string) []byte { return append(leb(len(s)), s...) }

func encodeSection(id byte, content ...[]byte) []byte {
	body := slices.Concat(content...)
	return slices.Concat([]byte{id}, leb(len(body)), body)
}

func encodeBody(locals []byte, code code) []byte {
	body := slices.Concat(locals, code, []byte{opEnd})
	return append(leb(len(body)), body...)
}

// validModule returns a module with nothing wrong.
func validModule() []byte { return module{}.encode() }

// longNames returns a module that traps in a function whose name has 7 MiB, as has the name of the module.
func longNames() []byte {
	name := encodeString(strings.Repeat("n", 7<<20))
	functions := slices.Concat(leb(1), leb(onMessageIndex), name)
	names := encodeSection(sectionCustom, encodeString("name"), encodeSection(0, name), encodeSection(1, functions))
	return append(module{code: recurseAndTrap()}.encode(), names...)
}

// writeHugeFile writes a module of 100 MB: a header, and a custom section that is a hole in the file.
func writeHugeFile(t testing.TB, file string) {
	t.Helper()
	const size = 100_000_000
	header := slices.Concat([]byte("\x00asm\x01\x00\x00\x00\x00"), leb(size-8-5), encodeString("x"))
	if err := os.WriteFile(file, header, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(file, size); err != nil {
		t.Fatal(err)
	}
}

// TestEncoder checks that the modules made here are hostile by their size or code and not by a mistake: one with a
// little of everything runs.
func TestEncoder(t *testing.T) {
	file := filepath.Join(t.TempDir(), "good.wasm")
	good := module{locals: localGroup(100, typeI32), pages: 2, table: 10, extra: 20, code: slices.Concat(
		nestedBlocks(10), repeat(3, fillMemory(1<<16)), repeat(3, copyMemory(1<<15)), repeat(3, fillTable(10)),
	)}
	if err := os.WriteFile(file, good.encode(), 0o600); err != nil {
		t.Fatal(err)
	}
	h, url := serve(t, host.Options{Routes: []host.Route{
		{Path: "/c", Plugin: file, Limits: host.Limits{Deadline: longDeadline}},
	}})
	if err := dial(t, url, "/c").WriteText("x"); err != nil {
		t.Fatal(err)
	}
	const runs = `azuhost_plugin_hook_duration_seconds_count{hook="on_message",plugin="good",route="/c"}`
	eventually(t, "on_message has run", func() bool { return metric(t, h, runs) == 1 })
	if n := metric(t, h, `azuhost_plugin_faults_total{plugin="good",reason="trap",route="/c"}`); n > 0 {
		t.Error("on_message trapped")
	}
}
