package link

import (
	"errors"
	"fmt"
)

// Ids of sections.
const (
	secCustom, secType, secImport, secFunction, secTable, secMemory, secGlobal      = 0, 1, 2, 3, 4, 5, 6
	secExport, secStart, secElement, secCode, secData, secDataCount                 = 7, 8, 9, 10, 11, 12
	kindFunction, kindTable, kindMemory, kindGlobal                            byte = 0, 1, 2, 3
)

const header = "\x00asm\x01\x00\x00\x00"

// base is the module that is added to.
type base struct {
	types    []string // encoded function types
	imports  []imported
	funcs    []uint32 // types of the functions with a body
	exports  map[string]exported
	globals  uint32
	segments uint32 // of data
	// tableSize is the size that table 0, of functions, starts with.
	tableSize uint32
	raw       [13][]byte // bodies of sections
}

type imported struct {
	module, name string
	typ          uint32
}

type exported struct {
	kind  byte
	index uint32
}

// funcRef is the type of what tables hold.
const funcRef = 0x70

// parse reads a module. It does not validate: the module is one that is known,
// and what is linked is validated as any plugin is.
func parse(module []byte) (b *base, err error) {
	if len(module) < len(header) || string(module[:len(header)]) != header {
		return nil, errors.New("it is no WebAssembly module")
	}
	b = &base{exports: map[string]exported{}}
	r := &reader{b: module[len(header):]}
	for len(r.b) > 0 && r.err == nil {
		id := r.byte()
		body := r.bytes(r.u32())
		if int(id) >= len(b.raw) {
			return nil, fmt.Errorf("it has a section %d, which is not known here", id)
		}
		if id != secCustom {
			b.raw[id] = body
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	for _, read := range []func() error{b.readTypes, b.readImports, b.readFunctions, b.readExports, b.readTable, b.readCounts} {
		if err := read(); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func (b *base) section(id int) *reader { return &reader{b: b.raw[id]} }

func (b *base) readTypes() error {
	r := b.section(secType)
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		start := r.b
		if r.byte() != 0x60 {
			return errors.New("it has a type that is no function's")
		}
		r.bytes(r.u32())
		r.bytes(r.u32())
		if r.err == nil {
			b.types = append(b.types, string(start[:len(start)-len(r.b)]))
		}
	}
	return r.err
}

func (b *base) readImports() error {
	r := b.section(secImport)
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		im := imported{module: r.name(), name: r.name()}
		if r.byte() != kindFunction {
			return fmt.Errorf("its import %s.%s is no function", im.module, im.name)
		}
		im.typ = r.u32()
		b.imports = append(b.imports, im)
	}
	return r.err
}

func (b *base) readFunctions() error {
	r := b.section(secFunction)
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		b.funcs = append(b.funcs, r.u32())
	}
	return r.err
}

func (b *base) readExports() error {
	r := b.section(secExport)
	for n := r.u32(); n > 0 && r.err == nil; n-- {
		name := r.name()
		b.exports[name] = exported{r.byte(), r.u32()}
	}
	return r.err
}

func (b *base) readTable() error {
	r := b.section(secTable)
	if len(r.b) == 0 {
		return nil
	}
	if r.u32() != 1 || r.byte() != funcRef || r.byte() > 1 {
		return errors.New("it has tables of a kind that is not known here")
	}
	b.tableSize = r.u32()
	return r.err
}

func (b *base) readCounts() error {
	r := b.section(secGlobal)
	if len(r.b) > 0 {
		b.globals = r.u32()
	}
	d := b.section(secData)
	if len(d.b) > 0 {
		b.segments = d.u32()
	}
	if len(b.raw[secStart]) > 0 {
		return errors.New("it has a start function, which is not known here")
	}
	return errors.Join(r.err, d.err)
}
