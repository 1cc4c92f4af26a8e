package socket

import (
	"bytes"
	"encoding/binary"
	"math"
	"testing"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// reference returns where in b the first frame begins that breaks a rule, and the
// close code; code 0 means that there is none. It has b as a whole, and was
// written after RFC 6455, section 5, independently of scanner.
func reference(b []byte, limit uint64) (at int, code int) {
	inMessage, size, frames, controls := false, uint64(0), 0, 0
	for at < len(b) {
		h := b[at:]
		if len(h) < 2 {
			return at, 0
		}
		op, length := h[0]%16, h[1]%128
		isControl := op&8 != 0
		if h[0]&0x70 != 0 || h[1] < 128 || op != 0 && op != 1 && op != 2 && op != 8 && op != 9 && op != 10 {
			return at, 1002
		}
		if isControl && (h[0] < 128 || length > 125) {
			return at, 1002
		}
		if !isControl && inMessage != (op == 0) {
			return at, 1002
		}
		head, n := 6, uint64(length)
		switch {
		case length == 126 && len(h) >= 4 && h[2] == 0 && h[3] < 126:
			return at, 1002
		case length == 127 && len(h) >= 10 && bytes.Equal(h[2:8], make([]byte, 6)):
			return at, 1002
		case length == 126 && len(h) >= 8:
			head, n = 8, uint64(binary.BigEndian.Uint16(h[2:4]))
		case length == 127 && len(h) >= 10 && h[2] >= 128:
			return at, 1009
		case length == 127 && len(h) >= 14:
			head, n = 14, binary.BigEndian.Uint64(h[2:10])
		case length > 125 || len(h) < 6:
			return at, 0
		}
		if isControl {
			if controls++; controls > 60 {
				return at, 1008
			}
		} else {
			if op != 0 {
				size, frames = 0, 0
			}
			size += n
			frames++
			if n > math.MaxInt64 || size > limit {
				return at, 1009
			}
			if frames > 1024 {
				return at, 1008
			}
			inMessage = h[0] < 128
		}
		if uint64(len(h)-head) < n {
			return at, 0
		}
		at += head + int(n)
	}
	return at, 0
}

// checkScan scans b as a whole and in parts, and compares with reference.
func checkScan(t *testing.T, b, splits []byte, limit int) {
	at, code := reference(b, uint64(limit))
	whole := scanner{maxMessage: limit}
	good, v := whole.scan(b)
	if v == nil && (code != 0 || good != len(b)) || v != nil && (v.code != code || good != at) {
		t.Fatalf("scan of % x: %d good, %v; want %d, %d", b, good, v, at, code)
	}
	parts := scanner{maxMessage: limit}
	rest, total := b, 0
	var pv *violation
	for i := 0; len(rest) > 0 && pv == nil; i++ {
		n := len(rest)
		if len(splits) > 0 {
			n = min(n, 1+int(splits[i%len(splits)])%17)
		}
		var k int
		k, pv = parts.scan(rest[:n])
		if pv == nil && k != n {
			t.Fatalf("scan took %d of %d bytes and found nothing", k, n)
		}
		total += k
		rest = rest[n:]
	}
	if (v == nil) != (pv == nil) || v != nil && *v != *pv {
		t.Fatalf("scan of % x in parts: %v, want %v", b, pv, v)
	}
	if v == nil && (parts.idle() != whole.idle() || total != len(b)) {
		t.Fatalf("scan of % x in parts: idle %v, want %v", b, parts.idle(), whole.idle())
	}
	// The library sees at most the beginning of the header of a bad frame.
	if v != nil && (total < good || total > good+13) {
		t.Fatalf("scan of % x in parts: %d good, want %d and a part of a header", b, total, good)
	}
}

func FuzzScan(f *testing.F) {
	const limit = 300
	for _, r := range rules() {
		f.Add(bytes.Join(r.in, nil), []byte{0, 3, 1})
	}
	f.Add(bytes.Repeat(masked(ping, "x"), 61), []byte{16, 5})
	f.Fuzz(func(t *testing.T, b, splits []byte) { checkScan(t, b, splits, limit) })
}

func TestFresh(t *testing.T) {
	s := scanner{maxMessage: 100}
	f := masked(text, "hello")
	for i, step := range []struct {
		in          []byte
		idle, fresh bool
	}{
		{f[:3], false, true},
		{f[3:7], false, false},
		{append(append([]byte(nil), f[7:]...), f[:1]...), false, true},
		{f[1:], true, false},
		{masked(frame.OpText, "a"), false, true},
		{masked(ping, ""), false, false},
		{append(masked(fin, "b"), f[:8]...), false, true},
	} {
		if _, v := s.scan(step.in); v != nil {
			t.Fatal(v)
		}
		if s.idle() != step.idle || s.fresh != step.fresh {
			t.Errorf("step %d: idle %v and fresh %v, want %v and %v", i, s.idle(), s.fresh, step.idle, step.fresh)
		}
	}
}

func FuzzUnmask(f *testing.F) {
	f.Add([]byte("hello, world"), uint32(0x12345678))
	f.Fuzz(func(t *testing.T, p []byte, key uint32) {
		var k [4]byte
		binary.LittleEndian.PutUint32(k[:], key)
		want := make([]byte, len(p))
		for i := range p {
			want[i] = p[i] ^ k[i%4]
		}
		unmask(p, key)
		if !bytes.Equal(p, want) {
			t.Fatalf("% x, want % x", p, want)
		}
	})
}
