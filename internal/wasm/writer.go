package wasm

import "bytes"

// writer writes the metered module.
type writer struct {
	p   *plan
	o   MeterOptions
	out []byte

	callback     uint32 // index of the added import
	callbackType uint32
	fuel, stack  uint32 // indexes of the added globals

	resultBlocks map[uint32]blockType // by type index of a function: the block around its body
	addedTypes   []byte               // behind the module's own
	typeCount    uint32
	code         []byte

	bulkFunctions map[bulkKey]uint32 // indexes of added functions
	bulkType      uint32
	bulkBodies    [][]byte
}

func newWriter(p *plan, o MeterOptions) *writer {
	m := p.m
	w := &writer{
		p: p, o: o,
		callback:      uint32(m.ImportedFunctions),
		fuel:          uint32(len(m.Globals)),
		stack:         uint32(len(m.Globals)) + 1,
		resultBlocks:  map[uint32]blockType{},
		bulkFunctions: map[bulkKey]uint32{},
		typeCount:     uint32(len(m.Types)),
	}
	w.callbackType = w.addType(FuncType{Params: []ValueType{I32}})
	return w
}

// addType adds a type of functions, and returns its index.
func (w *writer) addType(t FuncType) uint32 {
	w.addedTypes = AppendFuncType(w.addedTypes, t)
	w.typeCount++
	return w.typeCount - 1
}

// functionIndex maps the index of a function to its index in the metered module.
func (w *writer) functionIndex(f uint32) uint32 {
	if f >= w.callback {
		return f + 1
	}
	return f
}

// writeModule writes all sections, and those that the module lacks and Meter needs. It writes the code first, because
// that can add types.
func (w *writer) writeModule() error {
	if err := w.writeCode(); err != nil {
		return err
	}
	w.out = make([]byte, 0, len(w.p.module)+len(w.code)/2+256)
	w.out = append(w.out, Header...)
	needed := []SectionID{TypeSection, ImportSection, GlobalSection, ExportSection}
	for _, sec := range w.p.m.sections {
		if sec.id == CustomSection {
			w.writeCustom(sec)
			continue
		}
		for len(needed) > 0 && sectionOrder[needed[0]] <= sectionOrder[sec.id] {
			if needed[0] != sec.id {
				if err := w.writeSection(needed[0], nil); err != nil {
					return err
				}
			}
			needed = needed[1:]
		}
		if err := w.writeSection(sec.id, w.p.module[sec.body.start:sec.body.end]); err != nil {
			return err
		}
	}
	for _, id := range needed {
		if err := w.writeSection(id, nil); err != nil {
			return err
		}
	}
	return nil
}

// writeSection writes one section. body is that of the module; nil if it lacks the section.
func (w *writer) writeSection(id SectionID, body []byte) error {
	var b []byte
	var err error
	switch id {
	case TypeSection:
		b = AppendVector(nil, body, int(w.typeCount)-len(w.p.m.Types), w.addedTypes)
	case ImportSection:
		item := AppendName(AppendName(nil, w.o.Module), w.o.Name)
		b = AppendVector(nil, body, 1, AppendU32(append(item, byte(Func)), w.callbackType))
	case FunctionSection:
		n := len(w.bulkBodies)
		b = AppendVector(nil, body, n, bytes.Repeat(AppendU32(nil, w.bulkType), n))
	case GlobalSection:
		n, items := w.addedGlobals()
		b, err = AppendGlobals(nil, body, n, items, w.functionIndex)
	case ExportSection:
		b, err = w.exports(body)
	case StartSection:
		b = AppendU32(nil, w.functionIndex(uint32(w.p.m.Start)))
	case ElementSection:
		b, err = AppendElements(nil, body, 0, nil, w.functionIndex)
	case CodeSection:
		b = append(AppendU32(nil, uint32(len(w.p.functions)+len(w.bulkBodies))), w.code...)
	default:
		b = body
	}
	if err != nil {
		return err
	}
	w.out = AppendSection(w.out, id, b)
	return nil
}

// addedGlobals returns the counters, encoded as n items of the global section.
func (w *writer) addedGlobals() (n int, items []byte) {
	initial := []int64{w.o.InitialFuel}
	if w.o.MaxStack > 0 {
		initial = append(initial, int64(w.o.MaxStack))
	}
	for _, value := range initial {
		items = append(items, byte(I64), 1, byte(opI64Const))
		items = append(AppendSigned(items, value), byte(opEnd))
	}
	return len(initial), items
}

// exports returns the export section with the counters added.
func (w *writer) exports(body []byte) ([]byte, error) {
	r, length := vectorReader(body)
	exportStack := w.o.Stack != "" && w.o.MaxStack > 0
	added := uint32(1)
	if exportStack {
		added = 2
	}
	b := AppendU32(nil, length+added)
	for range length {
		b = AppendName(b, r.name(0, "an export"))
		kind := Kind(r.byte())
		i := r.u32()
		if kind == Func {
			i = w.functionIndex(i)
		}
		b = appendExport(b, kind, i)
	}
	b = appendExport(AppendName(b, w.o.Fuel), GlobalKind, w.fuel)
	if exportStack {
		b = appendExport(AppendName(b, w.o.Stack), GlobalKind, w.stack)
	}
	return b, r.err
}

// appendExport appends what follows the name of an export.
func appendExport(b []byte, kind Kind, index uint32) []byte {
	return AppendU32(append(b, byte(kind)), index)
}

// writeCustom writes a custom section, unless rewriting makes its content wrong.
func (w *writer) writeCustom(sec section) {
	switch {
	case hasCodeOffsets(sec.name):
	case sec.name == "name":
		w.out = appendNames(w.out, w.p.module, w.p.m, sec, w.functionIndex)
	default:
		w.out = append(w.out, w.p.module[sec.full.start:sec.full.end]...)
	}
}
