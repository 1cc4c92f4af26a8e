package link

import (
	"errors"
	"fmt"
	"strings"
)

// Type is the type of a function, a letter for each value: i for i32, l for
// i64, d for f64.
type Type struct{ Params, Results string }

var valueTypes = map[rune]byte{'i': 0x7f, 'l': 0x7e, 'd': 0x7c}

func (t Type) encode() string {
	out := []byte{0x60}
	for _, values := range []string{t.Params, t.Results} {
		out = appendU32(out, uint32(len(values)))
		for _, v := range values {
			out = append(out, valueTypes[v])
		}
	}
	return string(out)
}

// Linker gathers what is added to a module. Functions are known by names:
// those of the base by the names of its exports, imports by "module.name".
type Linker struct {
	base    *base
	imports []imported
	funcs   []function
	globals []string
	data    [][]byte
	exports []export
	customs []custom
	slots   []string // functions that the table has behind those of the base

	types []string          // those of the base, and added ones
	index map[string]uint32 // of functions in what is linked
}

type function struct {
	name   string
	typ    Type
	locals string
	emit   func(c *Code)
}

type export struct{ name, function string }

type custom struct {
	name string
	data []byte
}

// New makes a linker for a base module.
func New(module []byte) (*Linker, error) {
	b, err := parse(module)
	if err != nil {
		return nil, err
	}
	return &Linker{base: b, types: append([]string(nil), b.types...)}, nil
}

// Import adds the import of a function, known as "module.name".
func (l *Linker) Import(module, name string, t Type) {
	l.imports = append(l.imports, imported{module, name, l.typeOf(t)})
}

// Func adds a function. Its body is emitted in Link, when all names are known.
// A function with the name of an import of the base, "module.name", takes its place.
func (l *Linker) Func(name string, t Type, locals string, emit func(c *Code)) {
	l.typeOf(t) // it is there before the section is written
	l.funcs = append(l.funcs, function{name, t, locals, emit})
}

// Global adds a mutable i32 that starts as 0.
func (l *Linker) Global(name string) { l.globals = append(l.globals, name) }

// Slot puts a function into the table behind those of the base, and returns its
// place there: code of the base can call it by that pointer.
func (l *Linker) Slot(function string) int32 {
	l.slots = append(l.slots, function)
	return int32(l.base.tableSize) + int32(len(l.slots)) - 1
}

// Data adds a passive data segment, and returns its index.
func (l *Linker) Data(data []byte) uint32 {
	l.data = append(l.data, data)
	return l.base.segments + uint32(len(l.data)) - 1
}

// Export exports a function. Of what the base exports only the memory stays
// exported by itself.
func (l *Linker) Export(name, function string) { l.exports = append(l.exports, export{name, function}) }

// Custom adds a custom section.
func (l *Linker) Custom(name string, data []byte) {
	l.customs = append(l.customs, custom{name, data})
}

func (l *Linker) typeOf(t Type) uint32 {
	enc := t.encode()
	for i, have := range l.types {
		if have == enc {
			return uint32(i)
		}
	}
	l.types = append(l.types, enc)
	return uint32(len(l.types) - 1)
}

// Link makes the module.
func (l *Linker) Link() ([]byte, error) {
	remap, err := l.assign()
	if err != nil {
		return nil, err
	}
	code, err := l.code(remap)
	if err != nil {
		return nil, err
	}
	elements, err := l.elements(remap)
	if err != nil {
		return nil, err
	}
	exports, err := l.exportSection()
	if err != nil {
		return nil, err
	}
	out := []byte(header)
	section := func(id byte, body []byte) {
		if len(body) > 0 {
			out = appendSized(append(out, id), body)
		}
	}
	section(secType, l.typeSection())
	section(secImport, l.importSection())
	section(secFunction, l.functionSection())
	section(secTable, l.tableSection())
	section(secMemory, l.base.raw[secMemory])
	section(secGlobal, l.globalSection())
	section(secExport, exports)
	section(secElement, elements)
	section(secDataCount, appendU32(nil, l.base.segments+uint32(len(l.data))))
	section(secCode, code)
	section(secData, l.dataSection())
	for _, c := range l.customs {
		section(secCustom, append(appendName(nil, c.name), c.data...))
	}
	return out, nil
}

// assign gives all functions their indexes, and returns what maps those of the
// base.
func (l *Linker) assign() (remap func(uint32) uint32, err error) {
	l.index = map[string]uint32{}
	added := map[string]uint32{} // places in l.funcs
	for i, f := range l.funcs {
		if _, twice := added[f.name]; twice {
			return nil, fmt.Errorf("the function %s is there twice", f.name)
		}
		added[f.name] = uint32(i)
	}
	replaced := make([]string, len(l.base.imports))
	kept := make([]uint32, len(l.base.imports))
	for i, im := range l.base.imports {
		name := im.module + "." + im.name
		if at, ok := added[name]; ok {
			if got, want := l.funcs[at].typ.encode(), l.base.types[im.typ]; got != want {
				return nil, fmt.Errorf("the function %s has another type than the import that it is for", name)
			}
			replaced[i] = name
			continue
		}
		kept[i] = uint32(len(l.imports))
		l.imports = append(l.imports, im)
	}
	for i, im := range l.imports {
		l.index[im.module+"."+im.name] = uint32(i)
	}
	first := uint32(len(l.imports))
	own := first + uint32(len(l.base.funcs))
	for name, at := range added {
		l.index[name] = own + at
	}
	remap = func(f uint32) uint32 {
		if int(f) >= len(replaced) {
			return f - uint32(len(replaced)) + first
		}
		if replaced[f] != "" {
			return l.index[replaced[f]]
		}
		return kept[f]
	}
	for name, e := range l.base.exports {
		if _, own := added[name]; e.kind == kindFunction && !own {
			l.index[name] = remap(e.index)
		}
	}
	return remap, nil
}

func (l *Linker) typeSection() []byte {
	return append(appendU32(nil, uint32(len(l.types))), strings.Join(l.types, "")...)
}

func (l *Linker) importSection() []byte {
	out := appendU32(nil, uint32(len(l.imports)))
	for _, im := range l.imports {
		out = appendName(appendName(out, im.module), im.name)
		out = appendU32(append(out, kindFunction), im.typ)
	}
	return out
}

func (l *Linker) functionSection() []byte {
	out := appendU32(nil, uint32(len(l.base.funcs)+len(l.funcs)))
	for _, t := range l.base.funcs {
		out = appendU32(out, t)
	}
	for _, f := range l.funcs {
		out = appendU32(out, l.typeOf(f.typ))
	}
	return out
}

// tableSection is the table of the base with room for the slots.
func (l *Linker) tableSection() []byte {
	if len(l.slots) == 0 {
		return l.base.raw[secTable]
	}
	size := l.base.tableSize + uint32(len(l.slots))
	return appendU32(appendU32([]byte{1, funcRef, 1}, size), size)
}

func (l *Linker) globalSection() []byte {
	r := l.base.section(secGlobal)
	if len(r.b) > 0 {
		r.u32()
	}
	out := append(appendU32(nil, l.base.globals+uint32(len(l.globals))), r.b...)
	for range l.globals {
		out = append(out, valueTypes['i'], 1, opI32Const, 0, opEnd)
	}
	return out
}

func (l *Linker) exportSection() ([]byte, error) {
	memory, ok := l.base.exports["memory"]
	if !ok || memory.kind != kindMemory {
		return nil, errors.New("it does not export its memory")
	}
	out := appendU32(nil, uint32(len(l.exports))+1)
	out = appendU32(append(appendName(out, "memory"), kindMemory), memory.index)
	for _, e := range l.exports {
		i, ok := l.index[e.function]
		if !ok {
			return nil, fmt.Errorf("there is no function %s to export", e.function)
		}
		out = appendU32(append(appendName(out, e.name), kindFunction), i)
	}
	return out, nil
}

// elements maps the functions in element segments, of which only the active
// ones of table 0 with plain indexes are known here.
func (l *Linker) elements(remap func(uint32) uint32) ([]byte, error) {
	r := l.base.section(secElement)
	if len(r.b) == 0 && len(l.slots) == 0 {
		return nil, nil
	}
	var n uint32
	if len(r.b) > 0 {
		n = r.u32()
	}
	added := min(1, len(l.slots))
	out := appendU32(nil, n+uint32(added))
	for ; n > 0 && r.err == nil; n-- {
		if r.u32() != 0 || r.byte() != opI32Const {
			return nil, errors.New("it has an element segment of a kind that is not known here")
		}
		start := r.b
		r.skipNumber()
		offset := start[:len(start)-len(r.b)]
		if r.byte() != opEnd {
			return nil, errors.New("it has an element segment with an offset that is not known here")
		}
		count := r.u32()
		out = append(append(out, 0, opI32Const), offset...)
		out = appendU32(append(out, opEnd), count)
		for ; count > 0 && r.err == nil; count-- {
			out = appendU32(out, remap(r.u32()))
		}
	}
	if added > 0 {
		out = appendSigned(append(out, 0, opI32Const), int64(l.base.tableSize))
		out = appendU32(append(out, opEnd), uint32(len(l.slots)))
	}
	for _, function := range l.slots {
		i, ok := l.index[function]
		if !ok {
			return nil, fmt.Errorf("there is no function %s for the table", function)
		}
		out = appendU32(out, i)
	}
	return out, r.err
}

func (l *Linker) dataSection() []byte {
	r := l.base.section(secData)
	if len(r.b) > 0 {
		r.u32()
	}
	out := append(appendU32(nil, l.base.segments+uint32(len(l.data))), r.b...)
	for _, d := range l.data {
		out = appendSized(append(out, 1), d)
	}
	return out
}

// code is the code of the base with its indexes mapped, and what was added.
func (l *Linker) code(remap func(uint32) uint32) ([]byte, error) {
	r := l.base.section(secCode)
	out := appendU32(nil, uint32(len(l.base.funcs)+len(l.funcs)))
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		body, err := remapBody(r.bytes(r.u32()), remap)
		if err != nil {
			return nil, err
		}
		out = appendSized(out, body)
	}
	if r.err != nil {
		return nil, r.err
	}
	for _, f := range l.funcs {
		c := &Code{l: l, params: len(f.typ.Params)}
		f.emit(c)
		if c.err != nil {
			return nil, fmt.Errorf("function %s: %w", f.name, c.err)
		}
		body := appendU32(nil, uint32(len(f.locals)))
		for _, v := range f.locals {
			body = append(body, 1, valueTypes[v])
		}
		out = appendSized(out, append(append(body, c.b...), opEnd))
	}
	return out, nil
}
