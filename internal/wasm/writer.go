package wasm

import (
	"bytes"
	"slices"
)

// writer writes the metered module.
type writer struct {
	p   *planning
	o   MeterOptions
	out []byte

	hook        uint32 // index of the added import
	fuel, stack uint32 // indexes of the added globals
	hookType    uint32
	results     map[uint32]blockType // of function types, for the block around a body
	addedTypes  []byte               // behind the module's own
	typeCount   uint32
	code        []byte

	helpers      map[helper]uint32
	helperType   uint32
	helperBodies [][]byte
}

func newWriter(p *planning, o MeterOptions) *writer {
	m := p.m
	w := &writer{p: p, o: o, hook: uint32(m.ImportedFunctions), fuel: uint32(len(m.Globals)), results: map[uint32]blockType{}, helpers: map[helper]uint32{}}
	w.stack = w.fuel + 1
	w.typeCount = uint32(len(m.Types))
	w.hookType = w.addType([]ValueType{I32}, nil)
	return w
}

// addType adds a type of functions, and returns its index.
func (w *writer) addType(params, results []ValueType) uint32 {
	w.addedTypes = append(w.addedTypes, 0x60)
	for _, list := range [][]ValueType{params, results} {
		w.addedTypes = appendU32(w.addedTypes, uint32(len(list)))
		for _, t := range list {
			w.addedTypes = append(w.addedTypes, byte(t))
		}
	}
	w.typeCount++
	return w.typeCount - 1
}

// function maps the index of a function to its new one.
func (w *writer) function(f uint32) uint32 {
	if f >= w.hook {
		return f + 1
	}
	return f
}

// module writes all sections, the missing ones that are needed included. The
// code comes first, as it may add types.
func (w *writer) module() error {
	if err := w.allCode(); err != nil {
		return err
	}
	w.out = make([]byte, 0, len(w.p.module)+len(w.code)/2+256)
	w.out = append(w.out, header...)
	needed := []byte{secType, secImport, secGlobal, secExport}
	for _, sec := range w.p.m.sections {
		if sec.id == secCustom {
			w.custom(sec)
			continue
		}
		for len(needed) > 0 && sectionOrder[needed[0]] <= sectionOrder[sec.id] {
			if needed[0] != sec.id {
				if err := w.section(section{id: needed[0]}); err != nil {
					return err
				}
			}
			needed = needed[1:]
		}
		if err := w.section(sec); err != nil {
			return err
		}
	}
	for _, id := range needed {
		if err := w.section(section{id: id}); err != nil {
			return err
		}
	}
	return nil
}

// section writes one section; an added one has an empty body.
func (w *writer) section(sec section) error {
	r := reader{b: w.p.module, p: sec.body.start, end: sec.body.end}
	var b []byte
	switch sec.id {
	case secType:
		b = w.grown(&r, int(w.typeCount)-len(w.p.m.Types), w.addedTypes)
	case secImport:
		add := appendName(appendName(nil, w.o.Module), w.o.Name)
		b = w.grown(&r, 1, op1(add, opcode(Func), w.hookType))
	case secFunction:
		b = w.grown(&r, len(w.helperBodies), bytes.Repeat(appendU32(nil, w.helperType), len(w.helperBodies)))
	case secGlobal:
		b = w.globals(&r)
	case secExport:
		b = w.exports(&r)
	case secStart:
		b = appendU32(nil, w.function(r.u32()))
	case secElement:
		b = copyElements(nil, &r, w.function)
	case secCode:
		b = append(appendU32(nil, uint32(len(w.p.functions)+len(w.helperBodies))), w.code...)
	default:
		b = r.b[r.p:r.end]
	}
	if r.err != nil {
		return r.err
	}
	w.out = appendSized(append(w.out, sec.id), b)
	return nil
}

// grown returns a vector with n items added.
func (w *writer) grown(r *reader, n int, items []byte) []byte {
	if r.more() {
		n += int(r.u32())
	}
	b := appendU32(nil, uint32(n))
	return slices.Concat(b, r.b[r.p:r.end], items)
}

func (w *writer) globals(r *reader) []byte {
	var n uint32
	if r.more() {
		n = r.u32()
	}
	added := uint32(1)
	if w.o.MaxStack > 0 {
		added = 2
	}
	b := appendU32(nil, n+added)
	for range n {
		b = append(b, r.byte(), r.byte())
		b = copyExpression(b, r, w.function)
	}
	b = append(b, byte(I64), 1, byte(opI64Const))
	b = append(appendSigned(b, w.o.InitialFuel), byte(opEnd))
	if w.o.MaxStack > 0 {
		b = append(b, byte(I64), 1, byte(opI64Const))
		b = append(appendSigned(b, int64(w.o.MaxStack)), byte(opEnd))
	}
	return b
}

func (w *writer) exports(r *reader) []byte {
	var n uint32
	if r.more() {
		n = r.u32()
	}
	added := uint32(1)
	if w.o.Stack != "" && w.o.MaxStack > 0 {
		added = 2
	}
	b := appendU32(nil, n+added)
	for range n {
		b = appendName(b, r.name(0, "an export"))
		kind := r.byte()
		i := r.u32()
		if Kind(kind) == Func {
			i = w.function(i)
		}
		b = appendU32(append(b, kind), i)
	}
	b = appendU32(append(appendName(b, w.o.Fuel), byte(GlobalKind)), w.fuel)
	if added == 2 {
		b = appendU32(append(appendName(b, w.o.Stack), byte(GlobalKind)), w.stack)
	}
	return b
}

// custom copies a custom section, unless it holds what no longer holds.
func (w *writer) custom(sec section) {
	switch {
	case dropped(sec.name):
	case sec.name == "name":
		w.out = appendNames(w.out, w.p.module, w.p.m, sec, w.function)
	default:
		w.out = append(w.out, w.p.module[sec.full.start:sec.full.end]...)
	}
}
