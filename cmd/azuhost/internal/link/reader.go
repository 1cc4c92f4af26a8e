package link

import (
	"encoding/binary"
	"errors"
)

// reader reads from the front of b. The first error sticks, and all reads
// after it give zeros.
type reader struct {
	b   []byte
	err error
}

var errShort = errors.New("the module ends too early, or has a number that is too long")

func (r *reader) fail() {
	r.b = nil
	if r.err == nil {
		r.err = errShort
	}
}

func (r *reader) byte() byte {
	if len(r.b) == 0 {
		r.fail()
		return 0
	}
	c := r.b[0]
	r.b = r.b[1:]
	return c
}

// u32 reads an unsigned LEB128 number.
func (r *reader) u32() uint32 {
	v, n := binary.Uvarint(r.b)
	if n <= 0 || n > 5 {
		r.fail()
		return 0
	}
	r.b = r.b[n:]
	return uint32(v)
}

// skipNumber skips a LEB128 number of any kind.
func (r *reader) skipNumber() {
	for r.byte() >= 0x80 {
	}
}

func (r *reader) bytes(n uint32) []byte {
	if int64(n) > int64(len(r.b)) {
		r.fail()
		return nil
	}
	out := r.b[:n]
	r.b = r.b[n:]
	return out
}

func (r *reader) name() string { return string(r.bytes(r.u32())) }

func appendU32(b []byte, v uint32) []byte { return binary.AppendUvarint(b, uint64(v)) }

func appendName(b []byte, s string) []byte { return append(appendU32(b, uint32(len(s))), s...) }

func appendSized(b, body []byte) []byte { return append(appendU32(b, uint32(len(body))), body...) }

// appendSigned appends a signed LEB128 number.
func appendSigned(b []byte, v int64) []byte {
	for {
		c := byte(v & 0x7f)
		v >>= 7
		if v == 0 && c&0x40 == 0 || v == -1 && c&0x40 != 0 {
			return append(b, c)
		}
		b = append(b, c|0x80)
	}
}
