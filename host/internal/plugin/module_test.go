package plugin

import "slices"

// module builds small WebAssembly modules for tests of the validation and of the start of instances. Types are strings:
// i, I, f and F for i32, i64, f32 and f64.
type module struct {
	imports []funcDef
	funcs   []funcDef
	memory  string // name of its export; empty: not exported
	min     uint32
	noMem   bool
	start   int    // index in funcs, plus 1
	data    int    // address of a segment of 2 bytes; 0: none
	extra   []byte // appended to the module
}

type funcDef struct {
	module, name    string
	params, results string
	code            []byte // nil: returns zeros
}

// goodModule returns a module that is a valid plugin and does nothing.
func goodModule() *module {
	m := &module{memory: "memory", min: 1}
	m.export("azu_v1", "", "I", nil)
	m.export("on_message", "Iii", "i", nil)
	return m
}

// export adds a function, and returns the value of start for it.
func (m *module) export(name, params, results string, code []byte) int {
	m.funcs = append(m.funcs, funcDef{"", name, params, results, code})
	return len(m.funcs)
}

func (m *module) remove(name string) {
	m.funcs = slices.DeleteFunc(m.funcs, func(f funcDef) bool { return f.name == name })
}

func (m *module) body(name string, code []byte) {
	for i := range m.funcs {
		if m.funcs[i].name == name {
			m.funcs[i].code = code
		}
	}
}

func (m *module) use(mod, name, params, results string) {
	m.imports = append(m.imports, funcDef{mod, name, params, results, nil})
}

func (m *module) encode() []byte {
	var types, imports, funcs, exports, codes [][]byte
	for i, f := range append(slices.Clone(m.imports), m.funcs...) {
		types = append(types, slices.Concat([]byte{0x60}, valTypes(f.params), valTypes(f.results)))
		if i < len(m.imports) {
			imports = append(imports, slices.Concat(str(f.module), str(f.name), []byte{0}, leb(i)))
			continue
		}
		funcs = append(funcs, leb(i))
		exports = append(exports, slices.Concat(str(f.name), []byte{0}, leb(i)))
		code := f.code
		if code == nil {
			for _, r := range f.results {
				code = append(code, map[rune][]byte{'i': {0x41, 0}, 'I': {0x42, 0}, 'F': {0x44, 0, 0, 0, 0, 0, 0, 0, 0}}[r]...)
			}
		}
		body := slices.Concat([]byte{0}, code, []byte{0x0b})
		codes = append(codes, slices.Concat(leb(len(body)), body))
	}
	out := []byte("\x00asm\x01\x00\x00\x00")
	section := func(id byte, content []byte) {
		out = slices.Concat(out, []byte{id}, leb(len(content)), content)
	}
	section(1, vec(types))
	section(2, vec(imports))
	section(3, vec(funcs))
	if !m.noMem {
		section(5, slices.Concat([]byte{1, 0}, leb(int(m.min))))
		if m.memory != "" {
			exports = append(exports, slices.Concat(str(m.memory), []byte{2, 0}))
		}
	}
	section(7, vec(exports))
	if m.start > 0 {
		section(8, leb(len(m.imports)+m.start-1))
	}
	section(10, vec(codes))
	if m.data > 0 {
		section(11, slices.Concat([]byte{1, 0, 0x41}, sleb(int64(m.data)), []byte{0x0b, 2, 'h', 'i'}))
	}
	return append(out, m.extra...)
}

func valTypes(s string) []byte {
	out := leb(len(s))
	for _, r := range s {
		out = append(out, map[rune]byte{'i': 0x7f, 'I': 0x7e, 'f': 0x7d, 'F': 0x7c}[r])
	}
	return out
}

func str(s string) []byte { return append(leb(len(s)), s...) }

func vec(items [][]byte) []byte { return append(leb(len(items)), slices.Concat(items...)...) }

// leb encodes an unsigned number as LEB128.
func leb(n int) []byte {
	var out []byte
	for ; n >= 0x80; n >>= 7 {
		out = append(out, byte(n)|0x80)
	}
	return append(out, byte(n))
}

// sleb encodes a signed number as LEB128.
func sleb(n int64) []byte {
	var out []byte
	for {
		b := byte(n & 0x7f)
		n >>= 7
		if n == 0 && b&0x40 == 0 || n == -1 && b&0x40 != 0 {
			return append(out, b)
		}
		out = append(out, b|0x80)
	}
}
