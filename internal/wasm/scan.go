package wasm

import (
	"bytes"
	"hash/crc32"
)

// Scan reads a module of version 1 of the binary format without compiling any of it. It returns a *LimitError if the
// module exceeds a limit, a *FeatureError if it uses an unsupported feature, and a *SyntaxError if it is malformed or
// names a function, type, local, global, table, segment or label that does not exist. It does not check the types of
// operands: a compiler does, at no more cost than for a valid module. Time and memory grow linearly with the size of
// the file.
func Scan(module []byte, l Limits) (*Module, error) {
	l = l.withDefaults()
	if err := checkLimit(uint64(len(module)), l.Module, "bytes of the module", "module"); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(module, []byte(Header)) {
		const text = "no header of WebAssembly version 1: the file is not a module, is cut off, or is a component"
		return nil, &SyntaxError{0, text}
	}
	s := &scanner{
		l: l,
		m: &Module{Size: len(module), Start: -1, sum: crc32.ChecksumIEEE(module)},
	}
	s.code.maxLabels = l.Branches
	r := reader{b: module, p: len(Header), end: len(module)}
	last := 0
	for r.more() {
		if err := s.readSection(&r, &last); err != nil {
			return nil, err
		}
	}
	if err := s.checkSections(len(module)); err != nil {
		return nil, err
	}
	return s.m, nil
}

// scanner is the state of a Scan.
type scanner struct {
	l Limits
	m *Module

	dataCount     int // of the data count section
	hasDataCount  bool
	customBytes   int
	elementValues uint64
	totalLocals   uint64
	work          uint64 // compared to Limits.Work
	hasNames      bool
	code          codeScanner
}

// readSection reads one section. last is the position of the section before it.
func (s *scanner) readSection(r *reader, last *int) error {
	at := r.p
	id := SectionID(r.byte())
	size := r.u32()
	if r.err == nil && int(id) >= len(sectionNames) {
		if id == 13 {
			r.feature(at, "exception handling", "a tag section")
		} else {
			r.syntax(at, "unknown section %d", id)
		}
	}
	body := r.sub(size)
	if r.err != nil {
		return r.err
	}
	sec := section{id: id, full: span{at, r.p}, body: span{body.p, body.end}}
	if id != CustomSection {
		if sectionOrder[id] <= *last {
			return &SyntaxError{at, "the " + sectionNames[id] + " section comes twice or too late"}
		}
		*last = sectionOrder[id]
	}
	err := s.readContent(&body, &sec)
	if err == nil {
		err = body.done("the " + sectionNames[id] + " section")
	}
	s.m.sections = append(s.m.sections, sec)
	return err
}

// readContent reads the body of a section.
func (s *scanner) readContent(r *reader, sec *section) error {
	switch sec.id {
	case CustomSection:
		return s.readCustom(r, sec)
	case TypeSection:
		return s.readTypes(r)
	case ImportSection:
		return s.readImports(r)
	case FunctionSection:
		return s.readFunctions(r)
	case TableSection:
		return s.readTables(r)
	case MemorySection:
		return s.readMemory(r)
	case GlobalSection:
		return s.readGlobals(r)
	case ExportSection:
		return s.readExports(r)
	case StartSection:
		return s.readStart(r)
	case ElementSection:
		return s.readElements(r)
	case DataCountSection:
		s.dataCount, s.hasDataCount = int(r.u32()), true
		if r.err != nil {
			return r.err
		}
		return checkLimit(uint64(s.dataCount), s.l.Data, "data segments", "data")
	case CodeSection:
		return s.readBodies(r)
	default:
		return s.readData(r)
	}
}

// checkSections checks the rules that involve several sections. end is the offset that errors name.
func (s *scanner) checkSections(end int) error {
	m := s.m
	if len(m.bodies) != m.Functions {
		return &SyntaxError{end, "the function section and the code section have different lengths"}
	}
	if s.hasDataCount && s.dataCount != m.Data {
		return &SyntaxError{end, "the data count section and the data section have different lengths"}
	}
	for _, t := range m.Tables {
		if !t.Grows {
			continue
		}
		if !t.HasMax {
			return &FeatureError{"tables without a declared maximum", "a table.grow", end}
		}
		const what = "declared maximum of a table that grows"
		if err := checkLimit(uint64(t.Max), s.l.TableSize, what, "table_size"); err != nil {
			return err
		}
	}
	return nil
}
