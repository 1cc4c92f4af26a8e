package wasm

import (
	"bytes"
	"hash/crc32"
)

var header = []byte("\x00asm\x01\x00\x00\x00")

// Scan reads a module, of version 1 of the binary format, without compiling
// any of it. It refuses what is over a limit (*LimitError), uses a feature that
// stays off (*FeatureError), is malformed, or names a function, type, local,
// global, table, segment or label that it does not have (*SyntaxError). Types
// of operands are left to the compiler, which refuses them without excess.
// Time and memory grow linearly with the size of the file.
func Scan(module []byte, l Limits) (*Module, error) {
	l = l.withDefaults()
	if err := over(uint64(len(module)), l.Module, "bytes of the module", "module"); err != nil {
		return nil, err
	}
	if !bytes.HasPrefix(module, header) {
		return nil, &SyntaxError{0, "no header of WebAssembly version 1: this is another file, a cut one, or a component"}
	}
	s := &scanner{
		l: l,
		m: &Module{Size: len(module), Start: -1, sum: crc32.ChecksumIEEE(module)},
	}
	s.code.maxLabels = l.Branches
	r := reader{b: module, p: len(header), end: len(module)}
	last := 0
	for r.more() {
		if err := s.section(&r, &last); err != nil {
			return nil, err
		}
	}
	if err := s.finish(len(module)); err != nil {
		return nil, err
	}
	return s.m, nil
}

// scanner is a Scan that is under way.
type scanner struct {
	l Limits
	m *Module

	dataCount     int // of the data count section
	hasDataCount  bool
	customBytes   int
	elementValues uint64
	totalLocals   uint64
	work          uint64 // blocks of each function, squared
	hasNames      bool
	code          codeScanner
}

func (s *scanner) section(r *reader, last *int) error {
	at := r.p
	id := r.byte()
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
	if id != secCustom {
		if sectionOrder[id] <= *last {
			return &SyntaxError{at, "the " + sectionNames[id] + " section comes twice or too late"}
		}
		*last = sectionOrder[id]
	}
	err := s.content(&body, &sec)
	if err == nil {
		err = body.done("the " + sectionNames[id] + " section")
	}
	s.m.sections = append(s.m.sections, sec)
	return err
}

// content reads the body of a section.
func (s *scanner) content(r *reader, sec *section) error {
	switch sec.id {
	case secCustom:
		return s.custom(r, sec)
	case secType:
		return s.types(r)
	case secImport:
		return s.imports(r)
	case secFunction:
		return s.functions(r)
	case secTable:
		return s.tables(r)
	case secMemory:
		return s.memory(r)
	case secGlobal:
		return s.globals(r)
	case secExport:
		return s.exports(r)
	case secStart:
		return s.start(r)
	case secElement:
		return s.elements(r)
	case secDataCount:
		s.dataCount, s.hasDataCount = int(r.u32()), true
		if r.err != nil {
			return r.err
		}
		return over(uint64(s.dataCount), s.l.Data, "data segments", "data")
	case secCode:
		return s.bodies(r)
	default:
		return s.data(r)
	}
}

// finish checks what no section can know alone.
func (s *scanner) finish(end int) error {
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
		if err := over(uint64(t.Max), s.l.TableSize, "declared maximum of a table that grows", "table_size"); err != nil {
			return err
		}
	}
	return nil
}
