package link

import (
	"errors"
	"fmt"

	"github.com/azuhost/azuhost/internal/wasm"
)

func (l *Linker) typeSection() []byte {
	out := wasm.AppendU32(nil, uint32(len(l.types)))
	for _, t := range l.types {
		out = wasm.AppendFuncType(out, t)
	}
	return out
}

func (l *Linker) importSection() []byte {
	out := wasm.AppendU32(nil, uint32(len(l.imports)))
	for _, im := range l.imports {
		out = wasm.AppendName(wasm.AppendName(out, im.module), im.name)
		out = wasm.AppendU32(append(out, byte(wasm.Func)), im.typeIndex)
	}
	return out
}

func (l *Linker) functionSection() []byte {
	var added []byte
	for _, f := range l.funcs {
		added = wasm.AppendU32(added, l.typeIndex(f.typ.funcType()))
	}
	return wasm.AppendVector(nil, l.base.section(wasm.FunctionSection), len(l.funcs), added)
}

// tableSection returns the table of the base, with a size that includes the slots.
func (l *Linker) tableSection() []byte {
	if len(l.slots) == 0 {
		return l.base.section(wasm.TableSection)
	}
	const (
		tables = 1
		hasMax = 1
	)
	size := l.base.tableSize() + uint32(len(l.slots))
	return wasm.AppendU32(wasm.AppendU32([]byte{tables, byte(wasm.FuncRef), hasMax}, size), size)
}

func (l *Linker) globalSection(mapIndex func(uint32) uint32) ([]byte, error) {
	const mutable = 1
	var added []byte
	for range l.globals {
		added = append(added, byte(wasm.I32), mutable, opI32Const, 0, opEnd)
	}
	return wasm.AppendGlobals(nil, l.base.section(wasm.GlobalSection), len(l.globals), added, mapIndex)
}

func (l *Linker) exportSection() ([]byte, error) {
	memory := -1
	for _, e := range l.base.Exports {
		if e.Kind == wasm.MemoryKind && e.Name == "memory" {
			memory = int(e.Index)
		}
	}
	if memory < 0 {
		return nil, errors.New("it does not export its memory")
	}
	out := wasm.AppendU32(nil, uint32(len(l.exports))+1)
	out = wasm.AppendU32(append(wasm.AppendName(out, "memory"), byte(wasm.MemoryKind)), uint32(memory))
	for _, e := range l.exports {
		i, err := l.lookup(e.function)
		if err != nil {
			return nil, fmt.Errorf("export %s: %w", e.name, err)
		}
		out = wasm.AppendU32(append(wasm.AppendName(out, e.name), byte(wasm.Func)), i)
	}
	return out, nil
}

// elementSection returns the element segments of the base, and one with the slots.
func (l *Linker) elementSection(mapIndex func(uint32) uint32) ([]byte, error) {
	body := l.base.section(wasm.ElementSection)
	if len(body) == 0 && len(l.slots) == 0 {
		return nil, nil
	}
	if len(l.slots) == 0 {
		return wasm.AppendElements(nil, body, 0, nil, mapIndex)
	}
	const activeInTable0 = 0
	slots := wasm.AppendSigned([]byte{activeInTable0, opI32Const}, int64(l.base.tableSize()))
	slots = wasm.AppendU32(append(slots, opEnd), uint32(len(l.slots)))
	for _, function := range l.slots {
		i, err := l.lookup(function)
		if err != nil {
			return nil, fmt.Errorf("table: %w", err)
		}
		slots = wasm.AppendU32(slots, i)
	}
	return wasm.AppendElements(nil, body, 1, slots, mapIndex)
}

func (l *Linker) dataSection() []byte {
	const passive = 1
	var added []byte
	for _, d := range l.data {
		added = wasm.AppendSized(append(added, passive), d)
	}
	return wasm.AppendVector(nil, l.base.section(wasm.DataSection), len(l.data), added)
}

// codeSection returns the code of the base, and the added functions.
func (l *Linker) codeSection(mapIndex func(uint32) uint32) ([]byte, error) {
	var added []byte
	for _, f := range l.funcs {
		c := &Code{l: l}
		f.emit(c)
		if c.err != nil {
			return nil, fmt.Errorf("function %s: %w", f.name, c.err)
		}
		body := wasm.AppendU32(nil, uint32(len(f.locals)))
		for _, letter := range f.locals {
			body = append(body, 1, byte(valueTypes[letter]))
		}
		added = wasm.AppendSized(added, append(append(body, c.b...), opEnd))
	}
	return wasm.AppendCode(nil, l.base.section(wasm.CodeSection), len(l.funcs), added, mapIndex)
}
