package link

import (
	"fmt"

	"github.com/azuhost/azuhost/internal/wasm"
)

// Type is the type of a function: a letter for each value, i for i32, l for i64, d for f64.
type Type struct{ Params, Results string }

var valueTypes = map[rune]wasm.ValueType{'i': wasm.I32, 'l': wasm.I64, 'd': wasm.F64}

func (t Type) funcType() (out wasm.FuncType) {
	for _, letter := range t.Params {
		out.Params = append(out.Params, valueTypes[letter])
	}
	for _, letter := range t.Results {
		out.Results = append(out.Results, valueTypes[letter])
	}
	return out
}

// Linker collects what to add to a base module. Functions have names: those of the base have the names of its exports,
// imports are "module.name". A Linker links once, and is for one goroutine.
type Linker struct {
	base    *base
	types   []wasm.FuncType // those of the base, and added ones
	imports []importedFunction
	funcs   []function
	globals []string
	data    [][]byte
	exports []export
	customs []custom
	slots   []string // functions in the table, behind those of the base

	index map[string]uint32 // of functions in the linked module, by name; set by Link
}

type importedFunction struct {
	module, name string
	typeIndex    uint32
}

func (im importedFunction) fullName() string { return im.module + "." + im.name }

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

// New returns a linker for a base module.
func New(module []byte) (*Linker, error) {
	b, err := readBase(module)
	if err != nil {
		return nil, err
	}
	return &Linker{base: b, types: append([]wasm.FuncType(nil), b.Types...)}, nil
}

// Import adds the import of a function, with the name "module.name".
func (l *Linker) Import(module, name string, t Type) {
	l.imports = append(l.imports, importedFunction{module, name, l.typeIndex(t.funcType())})
}

// Func adds a function. locals has a letter for each local, as Type does. Link calls emit to write the body, when all
// names are known. A function called like an import of the base, "module.name", replaces that import.
func (l *Linker) Func(name string, t Type, locals string, emit func(c *Code)) {
	l.typeIndex(t.funcType()) // adds the type before Link writes the type section
	l.funcs = append(l.funcs, function{name, t, locals, emit})
}

// Global adds a mutable i32 with the initial value 0.
func (l *Linker) Global(name string) { l.globals = append(l.globals, name) }

// Slot adds a function to the table of the base, and returns its index there: a function pointer for code of the base.
func (l *Linker) Slot(function string) int32 {
	l.slots = append(l.slots, function)
	return int32(l.base.tableSize()) + int32(len(l.slots)) - 1
}

// Data adds a passive data segment, and returns its index.
func (l *Linker) Data(data []byte) uint32 {
	l.data = append(l.data, data)
	return uint32(l.base.Data + len(l.data) - 1)
}

// Export exports a function. Only the memory of the base stays exported without it.
func (l *Linker) Export(name, function string) { l.exports = append(l.exports, export{name, function}) }

// Custom adds a custom section. The custom sections of the base are dropped.
func (l *Linker) Custom(name string, data []byte) {
	l.customs = append(l.customs, custom{name, data})
}

// typeIndex returns the index of a type, which it adds if needed.
func (l *Linker) typeIndex(t wasm.FuncType) uint32 {
	for i, have := range l.types {
		if have.Equal(t) {
			return uint32(i)
		}
	}
	l.types = append(l.types, t)
	return uint32(len(l.types) - 1)
}

// Link returns the linked module.
func (l *Linker) Link() ([]byte, error) {
	mapIndex, err := l.assignIndexes()
	if err != nil {
		return nil, err
	}
	code, err := l.codeSection(mapIndex)
	if err != nil {
		return nil, err
	}
	elements, err := l.elementSection(mapIndex)
	if err != nil {
		return nil, err
	}
	globals, err := l.globalSection(mapIndex)
	if err != nil {
		return nil, err
	}
	exports, err := l.exportSection()
	if err != nil {
		return nil, err
	}
	out := []byte(wasm.Header)
	for _, s := range []struct {
		id   wasm.SectionID
		body []byte
	}{
		{wasm.TypeSection, l.typeSection()},
		{wasm.ImportSection, l.importSection()},
		{wasm.FunctionSection, l.functionSection()},
		{wasm.TableSection, l.tableSection()},
		{wasm.MemorySection, l.base.section(wasm.MemorySection)},
		{wasm.GlobalSection, globals},
		{wasm.ExportSection, exports},
		{wasm.ElementSection, elements},
		{wasm.DataCountSection, wasm.AppendU32(nil, uint32(l.base.Data+len(l.data)))},
		{wasm.CodeSection, code},
		{wasm.DataSection, l.dataSection()},
	} {
		if len(s.body) > 0 {
			out = wasm.AppendSection(out, s.id, s.body)
		}
	}
	for _, c := range l.customs {
		out = wasm.AppendSection(out, wasm.CustomSection, append(wasm.AppendName(nil, c.name), c.data...))
	}
	return out, nil
}

// assignIndexes sets l.index, and returns the mapping of the indexes of functions in the base. It appends the imports
// of the base that are not replaced to l.imports.
func (l *Linker) assignIndexes() (mapIndex func(uint32) uint32, err error) {
	added := map[string]int{} // indexes in l.funcs
	for i, f := range l.funcs {
		if _, twice := added[f.name]; twice {
			return nil, fmt.Errorf("the function %s is there twice", f.name)
		}
		added[f.name] = i
	}
	replaced := make([]string, len(l.base.Imports)) // by index of the import: the function that replaces it, or ""
	kept := make([]uint32, len(l.base.Imports))     // by index of the import: its new index
	for i, im := range l.base.Imports {
		f := importedFunction{im.Module, im.Name, l.typeIndex(im.Type)}
		if at, ok := added[f.fullName()]; ok {
			if !l.funcs[at].typ.funcType().Equal(im.Type) {
				return nil, fmt.Errorf("the function %s does not have the type of the import that it replaces", f.fullName())
			}
			replaced[i] = f.fullName()
			continue
		}
		kept[i] = uint32(len(l.imports))
		l.imports = append(l.imports, f)
	}
	l.index = map[string]uint32{}
	for i, im := range l.imports {
		l.index[im.fullName()] = uint32(i)
	}
	for name, i := range added {
		l.index[name] = uint32(len(l.imports) + l.base.Functions + i)
	}
	mapIndex = func(f uint32) uint32 {
		switch i := int(f) - len(replaced); {
		case i >= 0:
			return uint32(len(l.imports) + i)
		case replaced[f] != "":
			return l.index[replaced[f]]
		}
		return kept[f]
	}
	for _, e := range l.base.Exports {
		if _, hidden := added[e.Name]; e.Kind == wasm.Func && !hidden {
			l.index[e.Name] = mapIndex(e.Index)
		}
	}
	return mapIndex, nil
}

// lookup returns the index of a function in the linked module.
func (l *Linker) lookup(function string) (uint32, error) {
	i, ok := l.index[function]
	if !ok {
		return 0, fmt.Errorf("there is no function %s", function)
	}
	return i, nil
}
