package wasm

// segmentFlags select the form of an element segment (5.5.12).
type segmentFlags uint32

const (
	segPassive     segmentFlags = 1 // or declarative
	segHasTable    segmentFlags = 2 // or declarative, if not active
	segExpressions segmentFlags = 4
)

// active reports whether the segment has an offset, and an index of its table if hasTable.
func (f segmentFlags) active() bool { return f&segPassive == 0 }

// hasTable reports whether an active segment names its table, which is otherwise table 0.
func (f segmentFlags) hasTable() bool { return f&segHasTable != 0 }

// typed reports whether the segment has a type of its values.
func (f segmentFlags) typed() bool { return f&(segPassive|segHasTable) != 0 }

// expressions reports whether the values are constant expressions, and not indexes of functions.
func (f segmentFlags) expressions() bool { return f&segExpressions != 0 }

func (s *scanner) readElements(r *reader) error {
	n := r.count(2, "element segments")
	if err := checkLimit(uint64(n), s.l.Elements, "element segments", "elements"); err != nil {
		return err
	}
	s.m.Elements = int(n)
	for range n {
		if err := s.readElement(r); err != nil {
			return err
		}
	}
	return r.err
}

func (s *scanner) readElement(r *reader) error {
	at := r.p
	flags := segmentFlags(r.u32())
	if flags > 7 {
		r.syntax(at, "unknown kind %#x of element segment", flags)
	}
	s.m.Features.BulkMemory = s.m.Features.BulkMemory || flags != 0
	if flags.active() {
		var table uint32
		if flags.hasTable() {
			table = r.u32()
		}
		if int64(table) >= int64(len(s.m.Tables)) {
			r.syntax(at, "element segment: there is no table %d", table)
		}
		s.readExpression(r)
	}
	if flags.typed() {
		if flags.expressions() {
			r.refType()
		} else if kind := r.byte(); kind != 0 {
			r.syntax(at, "unknown kind %d of element", kind)
		}
	}
	n := r.count(1, "elements")
	s.elementValues += uint64(n)
	const what = "values of all element segments"
	if err := checkLimit(s.elementValues, s.l.ElementValues, what, "element_values"); err != nil {
		return err
	}
	for range n {
		if flags.expressions() {
			s.readExpression(r)
		} else {
			s.readFunctionIndex(r)
		}
		if r.err != nil {
			return r.err
		}
	}
	return r.err
}

func (s *scanner) readFunctionIndex(r *reader) {
	at := r.p
	if f := r.u32(); int64(f) >= int64(len(s.m.funcs)) {
		r.syntax(at, "there is no function %d", f)
	}
}

func (s *scanner) readData(r *reader) error {
	n := r.count(2, "data segments")
	if err := checkLimit(uint64(n), s.l.Data, "data segments", "data"); err != nil {
		return err
	}
	for range n {
		at := r.p
		switch flags := r.u32(); flags {
		case 0, 2:
			if flags == 2 && r.u32() != 0 {
				r.feature(at, "multi-memory", "a data segment")
			}
			if s.m.Memory == nil {
				r.syntax(at, "a data segment without a memory")
			}
			s.readExpression(r)
		case 1:
			s.m.Features.BulkMemory = true
		default:
			r.syntax(at, "unknown kind %#x of data segment", flags)
		}
		size := r.u32()
		r.skip(size)
		if r.err != nil {
			return r.err
		}
		s.m.dataSizes = append(s.m.dataSizes, size)
	}
	s.m.Data = int(n)
	return r.err
}

// readExpression reads a constant expression (3.3.10). It may use the globals that were read before it.
func (s *scanner) readExpression(r *reader) {
	d := decoder{reader: *r}
	var in instruction
	for d.err == nil {
		d.next(&in)
		switch {
		case d.err != nil:
		case in.op == opEnd:
			*r = d.reader
			return
		case in.op == opGlobalGet:
			if int64(in.a) >= int64(len(s.m.Globals)) {
				d.syntax(in.at, "there is no global %d", in.a)
			}
		case in.op == opRefFunc:
			if int64(in.a) >= int64(len(s.m.funcs)) {
				d.syntax(in.at, "there is no function %d", in.a)
			}
			s.m.Features.ReferenceTypes = true
		case in.op >= opI32Const && in.op <= opF64Const || in.op == opRefNull:
		case in.op == opV128Const:
			s.m.Features.SIMD = true
		case in.op >= opI32Add && in.op <= opI32Mul || in.op >= opI64Add && in.op <= opI64Mul:
			s.m.Features.ExtendedConst = true
		default:
			d.syntax(in.at, "instruction %#x in a constant expression", uint16(in.op))
		}
	}
	*r = d.reader
}
