package wasm

import (
	"fmt"
	"unicode/utf8"
)

// reader reads b[p:end], where b is the whole file, so that offsets in errors are offsets in the file. After the first
// error p is end, and all reads return zeros.
type reader struct {
	b      []byte
	p, end int
	err    error
}

// more reports whether bytes are left.
func (r *reader) more() bool { return r.p < r.end }

// fail ends the reader with err, unless it has failed before.
func (r *reader) fail(err error) {
	if r.err == nil {
		r.err = err
	}
	r.p = r.end
}

// syntax fails with a SyntaxError at offset at.
func (r *reader) syntax(at int, format string, args ...any) {
	if r.err == nil {
		r.fail(&SyntaxError{at, fmt.Sprintf(format, args...)})
	}
}

// feature fails with a FeatureError at offset at.
func (r *reader) feature(at int, feature, what string) {
	r.fail(&FeatureError{feature, what, at})
}

func (r *reader) byte() byte {
	if r.p >= r.end {
		r.syntax(r.p, "unexpected end")
		return 0
	}
	c := r.b[r.p]
	r.p++
	return c
}

// u32 reads an unsigned LEB128 number of at most 32 bits (5.2.2).
func (r *reader) u32() uint32 {
	if r.p < r.end && r.b[r.p] < 0x80 {
		c := r.b[r.p]
		r.p++
		return uint32(c)
	}
	at := r.p
	var v uint32
	for shift := 0; shift < 35; shift += 7 {
		c := r.byte()
		if shift == 28 && c > 0x0f {
			break
		}
		v |= uint32(c&0x7f) << shift
		if c < 0x80 {
			return v
		}
	}
	r.syntax(at, "a number is longer than 32 bits")
	return 0
}

// signed reads a signed LEB128 number of at most n bits (5.2.2).
func (r *reader) signed(n int) int64 {
	at := r.p
	var v int64
	for shift := 0; shift < n; shift += 7 {
		c := r.byte()
		v |= int64(c&0x7f) << shift
		if left := n - shift; left < 7 {
			// The bits beyond the number repeat its sign.
			if rest := int8(c<<1) >> left; c >= 0x80 || rest != 0 && rest != -1 {
				break
			}
		}
		if c < 0x80 {
			if shift += 7; shift < 64 && c&0x40 != 0 {
				v |= -1 << shift
			}
			return v
		}
	}
	r.syntax(at, "a number is longer than %d bits", n)
	return 0
}

// count reads the length of a vector whose items take at least size bytes each. It fails if the input is too short for
// them: callers may allocate that many items.
func (r *reader) count(size int, what string) uint32 {
	at := r.p
	n := r.u32()
	if int64(n)*int64(size) > int64(r.end-r.p) {
		r.syntax(at, "%d %s do not fit in %d bytes", n, what, r.end-r.p)
		return 0
	}
	return n
}

func (r *reader) skip(n uint32) {
	if int64(n) > int64(r.end-r.p) {
		r.syntax(r.p, "unexpected end: %d bytes wanted, %d left", n, r.end-r.p)
		return
	}
	r.p += int(n)
}

// name reads a name of at most limit bytes; 0 is no limit. what is the subject of errors.
func (r *reader) name(limit int, what string) string { return string(r.nameBytes(limit, what)) }

// nameBytes is like name, but returns a slice of the file.
func (r *reader) nameBytes(limit int, what string) []byte {
	n := r.u32()
	at := r.p
	if limit > 0 && int64(n) > int64(limit) {
		r.fail(&LimitError{"length of " + what, uint64(n), uint64(limit), "limits.max_name"})
		return nil
	}
	r.skip(n)
	if r.err != nil {
		return nil
	}
	s := r.b[at:r.p]
	if !utf8.Valid(s) {
		r.syntax(at, "%s is not UTF-8", what)
		return nil
	}
	return s
}

// sub returns a reader of the next n bytes, and skips them.
func (r *reader) sub(n uint32) reader {
	at := r.p
	r.skip(n)
	if r.err != nil {
		return reader{b: r.b, p: r.end, end: r.end, err: r.err}
	}
	return reader{b: r.b, p: at, end: r.p}
}

// done fails if bytes are left, and returns the error of the reader.
func (r *reader) done(what string) error {
	if r.err == nil && r.p != r.end {
		r.syntax(r.p, "%d bytes too many in %s", r.end-r.p, what)
	}
	return r.err
}

func (r *reader) valueType() ValueType {
	at := r.p
	t := ValueType(r.byte())
	switch t {
	case I32, I64, F32, F64, V128, FuncRef, ExternRef:
		return t
	}
	r.badType(at, t)
	return 0
}

func (r *reader) refType() ValueType {
	at := r.p
	t := ValueType(r.byte())
	switch t {
	case FuncRef, ExternRef:
		return t
	}
	r.badType(at, t)
	return 0
}

// badType fails because t, at offset at, is not a type of WebAssembly 2.0.
func (r *reader) badType(at int, t ValueType) {
	switch {
	case t == 0x63 || t == 0x64:
		r.feature(at, "typed function references", "a reference type")
	case t == 0x69 || t == 0x74 || t == 0x68 || t == 0x75:
		r.feature(at, "exception handling", "a reference type")
	case t >= 0x6a && t <= 0x73 || t == 0x77 || t == 0x78:
		r.feature(at, "garbage collection", "a reference type")
	default:
		r.syntax(at, "%#x is not a type", byte(t))
	}
}
