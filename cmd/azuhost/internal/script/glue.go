package script

import (
	"slices"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/link"
	"github.com/azuhost/azuhost/host/abi"
)

// Limits of QuickJS. Beyond them a script gets an exception, which is cheaper than a trap: a trap costs the instance.
//
// maxStack is small because the host counts the stack, too, by frames that are large for an interpreter. Recursion ends
// with a RangeError. maxMemory is the default memory limit of a route, less what the module itself needs. If a route
// allows less, growing fails, with the same exception.
const (
	maxStack  = 40 << 10
	maxMemory = 56 << 20
)

// The area is memory of the glue's own, from wasm_malloc. These are offsets in it, and sizes.
const (
	areaArgs    = 0   // arguments of a call of the script: 3 values
	areaReject  = 24  // arguments of a call of reject: 3 boxes
	areaSlots   = 40  // 4 slots of 8 bytes for texts and byte arrays: a length, and the address to free
	areaOut     = 72  // results that QuickJS writes through pointers
	areaResult  = 104 // an i64 from the host, or a value
	areaScratch = 112 // the result of a host function with a buffer
	scratchSize = 4096
	areaSize    = areaScratch + scratchSize
	inboxSize   = 64 << 10
)

// pending is the return value of returned, in sdk/js/start.ts, for a promise.
const pending = 1

// A value of QuickJS is an i64: its upper half is a tag, unless the value is a double. The tag of a small integer is 0.
const (
	undefined    = 3 << 32
	tagException = 6
)

// callable are the functions of the script, beside hooks, that the glue calls.
var callable = []string{"thrown", "returned", "settle", "reject"}

// glue generates the functions that are linked to QuickJS.
type glue struct {
	*link.Linker
	natives []string // in the order of their numbers
	strings stringTable

	script, sourceMap []byte
	hooks             map[string]bool // hooks to export; nil: none
}

// stringTable holds zero-terminated strings for the memory of the module.
type stringTable struct {
	text    []byte
	offsets map[string]int
}

// offset returns the offset of s in text. It adds s if needed.
func (t *stringTable) offset(s string) int32 {
	if at, ok := t.offsets[s]; ok {
		return int32(at)
	}
	if t.offsets == nil {
		t.offsets = map[string]int{}
	}
	at := len(t.text)
	t.offsets[s] = at
	t.text = append(append(t.text, s...), 0)
	return int32(at)
}

// pushString pushes the address of a string.
func (g *glue) pushString(c *link.Code, s string) {
	c.GetGlobal("strings").I32(g.strings.offset(s)).I32Add()
}

// scriptName is the name of the script in stack traces.
const scriptName = "plugin.js"

// glueGlobals are addresses in memory, a flag (rejected), and boxes of objects of the script.
var glueGlobals = []string{"context", "area", "inbox", "strings", "undefined", "rejected", "natives"}

// build adds all functions and exports to the linker.
func (g *glue) build() {
	for _, name := range slices.Concat(glueGlobals, callable) {
		g.Global(name)
	}
	for _, def := range abi.Hooks {
		if g.hooks[def.Name] {
			g.Global(def.Name)
		}
	}
	g.addValues()
	g.addCalls()
	g.addEnvironment()
	g.addNatives()
	g.addStart()
	g.addRun()
	for h, def := range abi.Hooks {
		if g.hooks[def.Name] {
			g.addHook(abi.Hook(h), def)
		}
	}
	g.Func("azu_v1", link.Type{Results: "l"}, "", func(c *link.Code) {
		c.GetGlobal("inbox").I64ExtendI32U().I64(32).I64Shl().I64(inboxSize).I64Or()
	})
	g.Export("azu_v1", "azu_v1")
	g.Export("_initialize", "start")
}

// letters returns a list of parameters as link.Type has them.
func letters(params []abi.Param) string {
	var out []byte
	for _, p := range params {
		out = append(out, letter(p.Type))
	}
	return string(out)
}

func letter(t abi.ValType) byte {
	switch t {
	case abi.I64:
		return 'l'
	case abi.F64:
		return 'd'
	}
	return 'i'
}
