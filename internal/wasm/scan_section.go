package wasm

import "fmt"

// maxMemoryPages is the size of the largest memory that 32 bits can address.
const maxMemoryPages = 1 << 16

func (s *scanner) readTypes(r *reader) error {
	n := r.count(1, "types") // a type of the garbage collection proposal has one byte
	if err := checkLimit(uint64(n), s.l.Types, "types", "types"); err != nil {
		return err
	}
	s.m.Types = make([]FuncType, 0, n)
	for range n {
		at := r.p
		switch form := r.byte(); form {
		case funcTypeForm:
		case 0x4e, 0x4f, 0x50, 0x5e, 0x5f:
			r.feature(at, "garbage collection", "a type")
		default:
			r.syntax(at, "%#x is not a function type", form)
		}
		t := FuncType{
			Params:  s.valueTypes(r, s.l.Params, "parameters", "params"),
			Results: s.valueTypes(r, s.l.Results, "results", "results"),
		}
		if r.err != nil {
			return r.err
		}
		s.m.Features.MultiValue = s.m.Features.MultiValue || len(t.Results) > 1
		s.m.Types = append(s.m.Types, t)
	}
	return r.err
}

// valueTypes reads the parameters or the results of a function type.
func (s *scanner) valueTypes(r *reader, limit int, what, key string) []ValueType {
	n := r.count(1, what)
	if err := checkLimit(uint64(n), limit, what+" of a function type", key); err != nil {
		r.fail(err)
	}
	if n == 0 || r.err != nil {
		return nil
	}
	ts := make([]ValueType, 0, n)
	for range n {
		ts = append(ts, s.valueType(r))
	}
	return ts
}

// valueType reads a value type, and records its feature.
func (s *scanner) valueType(r *reader) ValueType {
	t := r.valueType()
	switch t {
	case V128:
		s.m.Features.SIMD = true
	case FuncRef, ExternRef:
		s.m.Features.ReferenceTypes = true
	}
	return t
}

func (s *scanner) readImports(r *reader) error {
	n := r.count(4, "imports")
	if err := checkLimit(uint64(n), s.l.Imports, "imports", "imports"); err != nil {
		return err
	}
	m := s.m
	for range n {
		im := Import{
			Module: r.name(s.l.Name, "the module of an import"),
			Name:   r.name(s.l.Name, "the name of an import"),
		}
		at := r.p
		im.Kind = Kind(r.byte())
		switch im.Kind {
		case Func:
			t := s.typeIndex(r)
			if r.err != nil {
				return r.err
			}
			im.Type = m.Types[t]
			m.funcs = append(m.funcs, t)
			m.ImportedFunctions++
		case TableKind:
			im.Table = s.tableType(r)
			m.Tables = append(m.Tables, im.Table)
		case MemoryKind:
			im.Memory = s.memoryType(r)
		case GlobalKind:
			im.Global = s.globalType(r)
			m.Globals = append(m.Globals, im.Global)
			m.ImportedGlobals++
		case 4:
			r.feature(at, "exception handling", "an imported tag")
		default:
			r.syntax(at, "unknown kind %d of import", im.Kind)
		}
		if r.err != nil {
			return r.err
		}
		m.Imports = append(m.Imports, im)
	}
	return r.err
}

// typeIndex reads the index of a type. It returns 0 on error.
func (s *scanner) typeIndex(r *reader) uint32 {
	at := r.p
	t := r.u32()
	if int64(t) >= int64(len(s.m.Types)) {
		r.syntax(at, "there is no type %d", t)
		return 0
	}
	return t
}

func (s *scanner) readFunctions(r *reader) error {
	n := r.count(1, "functions")
	if err := checkLimit(uint64(n), s.l.Functions, "functions", "functions"); err != nil {
		return err
	}
	for range n {
		s.m.funcs = append(s.m.funcs, s.typeIndex(r))
	}
	s.m.Functions = int(n)
	return r.err
}

func (s *scanner) readTables(r *reader) error {
	n := r.count(3, "tables")
	for range n {
		s.m.Tables = append(s.m.Tables, s.tableType(r))
		if r.err != nil {
			return r.err
		}
	}
	return r.err
}

// tableType reads the type of a table. The caller adds it to m.Tables.
func (s *scanner) tableType(r *reader) Table {
	if err := checkLimit(uint64(len(s.m.Tables)+1), s.l.Tables, "tables", "tables"); err != nil {
		r.fail(err)
	}
	at := r.p
	if r.more() && r.b[r.p] == 0x40 {
		r.feature(at, "typed function references", "the initial value of a table")
	}
	t := Table{Elem: r.refType()}
	t.Min, t.Max, t.HasMax = r.limits("table")
	if t.HasMax && t.Max < t.Min {
		r.syntax(at, "a table of %d to %d elements", t.Min, t.Max)
	}
	if err := checkLimit(uint64(t.Min), s.l.TableSize, "elements of a table", "table_size"); err != nil {
		r.fail(err)
	}
	return t
}

// limits reads the minimum and the maximum of what (5.3.7).
func (r *reader) limits(what string) (lo, hi uint32, hasMax bool) {
	at := r.p
	switch flag := r.byte(); flag {
	case 0:
		return r.u32(), 0, false
	case 1:
		lo = r.u32()
		return lo, r.u32(), true
	case 2, 3:
		r.feature(at, "threads", "a shared "+what)
	case 4, 5, 6, 7:
		r.feature(at, "memory64", "a 64-bit "+what)
	default:
		r.syntax(at, "unknown kind %#x of limits", flag)
	}
	return 0, 0, false
}

func (s *scanner) readMemory(r *reader) error {
	at := r.p
	n := r.count(2, "memories")
	if n > 1 {
		r.feature(at, "multi-memory", fmt.Sprintf("a module of %d memories", n))
	}
	if n == 1 {
		s.memoryType(r)
	}
	return r.err
}

// memoryType reads the type of a memory into m.Memory.
func (s *scanner) memoryType(r *reader) Memory {
	at := r.p
	if s.m.Memory != nil {
		r.feature(at, "multi-memory", "a second memory")
	}
	var mem Memory
	mem.Min, mem.Max, mem.HasMax = r.limits("memory")
	if mem.Min > maxMemoryPages || mem.HasMax && (mem.Max > maxMemoryPages || mem.Max < mem.Min) {
		r.syntax(at, "a memory of %d to %d pages", mem.Min, mem.Max)
	}
	if err := checkLimit(uint64(mem.Min), s.l.MemoryPages, "pages of the memory", "memory_pages"); err != nil {
		r.fail(err)
	}
	s.m.Memory = &mem
	return mem
}

// globalType reads the type of a global.
func (s *scanner) globalType(r *reader) Global {
	g := Global{Type: s.valueType(r)}
	at := r.p
	switch r.byte() {
	case 0:
	case 1:
		g.Mutable = true
	default:
		r.syntax(at, "a global is mutable (1) or not (0)")
	}
	return g
}

func (s *scanner) readGlobals(r *reader) error {
	n := r.count(4, "globals")
	if err := checkLimit(uint64(n), s.l.Globals, "globals", "globals"); err != nil {
		return err
	}
	for range n {
		g := s.globalType(r)
		s.readExpression(r)
		if r.err != nil {
			return r.err
		}
		s.m.Globals = append(s.m.Globals, g)
	}
	return r.err
}

func (s *scanner) readExports(r *reader) error {
	n := r.count(3, "exports")
	if err := checkLimit(uint64(n), s.l.Exports, "exports", "exports"); err != nil {
		return err
	}
	m := s.m
	seen := make(map[string]struct{}, n)
	m.Exports = make([]Export, 0, n)
	for range n {
		at := r.p
		ex := s.readExport(r)
		if r.err != nil {
			return r.err
		}
		if _, twice := seen[ex.Name]; twice {
			r.syntax(at, "two exports are called %q", ex.Name)
		}
		seen[ex.Name] = struct{}{}
		m.Exports = append(m.Exports, ex)
	}
	return r.err
}

// readExport reads one export, and looks up its type.
func (s *scanner) readExport(r *reader) Export {
	at, m := r.p, s.m
	ex := Export{Name: r.name(s.l.Name, "the name of an export"), Kind: Kind(r.byte()), Index: r.u32()}
	if r.err != nil {
		return ex
	}
	var have int
	switch ex.Kind {
	case Func:
		have = len(m.funcs)
	case TableKind:
		have = len(m.Tables)
	case MemoryKind:
		if m.Memory != nil {
			have = 1
		}
	case GlobalKind:
		have = len(m.Globals)
	case 4:
		r.feature(at, "exception handling", "an exported tag")
	}
	if int64(ex.Index) >= int64(have) {
		r.syntax(at, "export %q: there is no %v %d", ex.Name, ex.Kind, ex.Index)
		return ex
	}
	switch ex.Kind {
	case Func:
		ex.Type = m.Types[m.funcs[ex.Index]]
	case GlobalKind:
		ex.Global = m.Globals[ex.Index]
	}
	return ex
}

func (s *scanner) readStart(r *reader) error {
	at := r.p
	f := r.u32()
	if int64(f) >= int64(len(s.m.funcs)) {
		r.syntax(at, "start: there is no function %d", f)
	}
	s.m.Start = int(f)
	return r.err
}
