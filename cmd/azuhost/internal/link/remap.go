package link

import "fmt"

// remapBody copies the body of a function with the indexes of functions in it
// mapped.
func remapBody(body []byte, index func(uint32) uint32) ([]byte, error) {
	r := &reader{b: body}
	out := make([]byte, 0, len(body)+len(body)/16)
	// copied is what has been read and not been written yet.
	copied := r.b
	flush := func() {
		out = append(out, copied[:len(copied)-len(r.b)]...)
		copied = r.b
	}
	for n := r.u32(); n > 0 && r.err == nil; n-- { // locals
		r.skipNumber()
		r.byte()
	}
	for len(r.b) > 0 && r.err == nil {
		op := r.byte()
		switch op {
		case opCall, opReturnCall, opRefFunc:
			flush()
			out = appendU32(out, index(r.u32()))
			copied = r.b
		default:
			if err := r.skipImmediates(op); err != nil {
				return nil, err
			}
		}
	}
	if r.err != nil {
		return nil, r.err
	}
	flush()
	return out, nil
}

// Opcodes that have an index of a function.
const (
	opCall       = 0x10
	opReturnCall = 0x12
	opRefFunc    = 0xd2
	opBulk       = 0xfc
)

// skipImmediates skips what follows an opcode (5.4 of the specification).
func (r *reader) skipImmediates(op byte) error {
	switch {
	case op <= 0x01, op == 0x05, op == 0x0b, op == 0x0f, op == 0x1a, op == 0x1b, // control, drop, select
		op >= 0x45 && op <= 0xc4, op == 0xd1: // numeric, ref.is_null
	case op >= 0x02 && op <= 0x04, // block, loop, if
		op == 0x0c, op == 0x0d, // br, br_if
		op >= 0x20 && op <= 0x26,           // variables, tables
		op == 0x3f, op == 0x40, op == 0xd0, // memory.size, memory.grow, ref.null
		op == 0x41, op == 0x42: // i32.const, i64.const
		r.skipNumber()
	case op == 0x0e: // br_table
		for n := r.u32(); n > 0 && r.err == nil; n-- {
			r.skipNumber()
		}
		r.skipNumber()
	case op == 0x11, op >= 0x28 && op <= 0x3e: // call_indirect, loads and stores
		r.skipNumber()
		r.skipNumber()
	case op == 0x1c: // select with types
		r.bytes(r.u32())
	case op == 0x43:
		r.bytes(4)
	case op == 0x44:
		r.bytes(8)
	case op == opBulk:
		return r.skipBulk()
	default:
		return fmt.Errorf("it has the instruction %#x, which is not known here", op)
	}
	return nil
}

// skipBulk skips what follows the prefix of conversions and bulk memory.
func (r *reader) skipBulk() error {
	numbers := 0
	switch sub := r.u32(); sub {
	case 0, 1, 2, 3, 4, 5, 6, 7: // saturating conversions
	case 9, 11, 13, 15, 16, 17: // data.drop, memory.fill, elem.drop, table.grow, table.size, table.fill
		numbers = 1
	case 8, 10, 12, 14: // memory.init, memory.copy, table.init, table.copy
		numbers = 2
	default:
		return fmt.Errorf("it has the instruction %#x %d, which is not known here", opBulk, sub)
	}
	for range numbers {
		r.skipNumber()
	}
	return nil
}
