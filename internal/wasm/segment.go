package wasm

// segmentHead is what comes before the values of an element segment (5.5.12).
type segmentHead struct {
	flags uint32
	table uint32
}

const (
	segPassive     = 1 // or declarative
	segHasTable    = 2 // or declarative, if not active
	segExpressions = 4
)

func (h segmentHead) active() bool      { return h.flags&segPassive == 0 }
func (h segmentHead) expressions() bool { return h.flags&segExpressions != 0 }

// typed: the segment says what its values are.
func (h segmentHead) typed() bool { return h.flags&(segPassive|segHasTable) != 0 }

func (s *scanner) elements(r *reader) error {
	n := r.count(2, "element segments")
	if err := over(uint64(n), s.l.Elements, "element segments", "elements"); err != nil {
		return err
	}
	s.m.Elements = int(n)
	for range n {
		if err := s.element(r); err != nil {
			return err
		}
	}
	return r.err
}

func (s *scanner) element(r *reader) error {
	at := r.p
	h := segmentHead{flags: r.u32()}
	if h.flags > 7 {
		r.syntax(at, "%#x is no kind of element segment", h.flags)
	}
	s.m.Features.BulkMemory = s.m.Features.BulkMemory || h.flags != 0
	if h.active() {
		if h.flags&segHasTable != 0 {
			h.table = r.u32()
		}
		if int64(h.table) >= int64(len(s.m.Tables)) {
			r.syntax(at, "element segment: there is no table %d", h.table)
		}
		s.expression(r)
	}
	if h.typed() {
		if h.expressions() {
			r.refType()
		} else if kind := r.byte(); kind != 0 {
			r.syntax(at, "%d is no kind of element", kind)
		}
	}
	n := r.count(1, "elements")
	s.elementValues += uint64(n)
	if err := over(s.elementValues, s.l.ElementValues, "values of all element segments", "element_values"); err != nil {
		return err
	}
	for range n {
		if h.expressions() {
			s.expression(r)
		} else {
			s.functionIndex(r)
		}
		if r.err != nil {
			return r.err
		}
	}
	return r.err
}

func (s *scanner) functionIndex(r *reader) {
	at := r.p
	if f := r.u32(); int64(f) >= int64(len(s.m.funcs)) {
		r.syntax(at, "there is no function %d", f)
	}
}

func (s *scanner) data(r *reader) error {
	n := r.count(2, "data segments")
	if err := over(uint64(n), s.l.Data, "data segments", "data"); err != nil {
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
			s.expression(r)
		case 1:
			s.m.Features.BulkMemory = true
		default:
			r.syntax(at, "%#x is no kind of data segment", flags)
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

// expression reads a constant expression (3.3.10). Globals are those known so
// far.
func (s *scanner) expression(r *reader) {
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
		case in.op >= opI32Const && in.op <= 0x44 || in.op == opRefNull:
		case in.op == opV128Const:
			s.m.Features.SIMD = true
		case in.op >= opI32Add && in.op <= 0x6c || in.op >= 0x7c && in.op <= opI64Mul:
			s.m.Features.ExtendedConst = true
		default:
			d.syntax(in.at, "instruction %#x in a constant expression", uint16(in.op))
		}
	}
	*r = d.reader
}
