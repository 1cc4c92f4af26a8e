// Package frametest decodes frames in tests.
package frametest

import (
	"bufio"
	"bytes"
	"encoding/binary"
	"io"
	"testing"
)

// Frame is a decoded WebSocket frame.
type Frame struct {
	Opcode  byte
	Payload []byte
}

// Decode decodes frames as strictly as RFC 6455, section 5.2, demands from a
// client. It shares no code with the encoder.
func Decode(t testing.TB, b []byte) (out []Frame) {
	t.Helper()
	r := bufio.NewReader(bytes.NewReader(b))
	for {
		var h [2]byte
		if _, err := io.ReadFull(r, h[:]); err == io.EOF {
			return out
		} else if err != nil {
			t.Fatalf("truncated header: %v", err)
		}
		if h[0]&0xf0 != 0x80 || h[1]&0x80 != 0 {
			t.Fatalf("header % x: not final, reserved bits set, or masked", h)
		}
		p := make([]byte, readLength(t, r, h[1]))
		if _, err := io.ReadFull(r, p); err != nil {
			t.Fatalf("truncated payload: %v", err)
		}
		out = append(out, Frame{h[0] & 0x0f, p})
	}
}

// readLength reads the extended length that follows the second byte of a header.
func readLength(t testing.TB, r io.Reader, second byte) (n uint64) {
	t.Helper()
	var shortest uint64
	switch second {
	case 126:
		var v uint16
		if err := binary.Read(r, binary.BigEndian, &v); err != nil {
			t.Fatalf("truncated length: %v", err)
		}
		n, shortest = uint64(v), 126
	case 127:
		if err := binary.Read(r, binary.BigEndian, &n); err != nil {
			t.Fatalf("truncated length: %v", err)
		}
		shortest = 1 << 16
	default:
		return uint64(second)
	}
	if n < shortest {
		t.Fatalf("length %d is not in its shortest form", n)
	}
	return n
}
