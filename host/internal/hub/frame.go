package hub

import (
	"encoding/binary"

	"github.com/azuhost/azuhost/host/abi"
)

// AppendFrame adds a whole, final, unmasked WebSocket frame to dst: what a
// server sends (RFC 6455, section 5.2). A frame is encoded once however many
// connections it goes to.
func AppendFrame(dst []byte, kind abi.Kind, payload []byte) []byte {
	return append(AppendHeader(dst, byte(kind), len(payload)), payload...)
}

// AppendHeader adds the header of a final, unmasked frame of n bytes.
func AppendHeader(dst []byte, opcode byte, n int) []byte {
	dst = append(dst, 0x80|opcode)
	switch {
	case n < 126:
		return append(dst, byte(n))
	case n < 1<<16:
		return append(dst, 126, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, 127), uint64(n))
}

// headerLen is the length in bytes of the header at the start of b.
func headerLen(b []byte) int {
	switch b[1] & 0x7f {
	case 126:
		return 4
	case 127:
		return 10
	}
	return 2
}

// FrameLen is the length in bytes, header included, of the frame at the start
// of b, which AppendFrame made.
func FrameLen(b []byte) int {
	switch n := int(b[1] & 0x7f); n {
	case 126:
		return 4 + int(binary.BigEndian.Uint16(b[2:]))
	case 127:
		return 10 + int(binary.BigEndian.Uint64(b[2:]))
	default:
		return 2 + n
	}
}

// CountFrames counts the frames in p, which AppendFrame made.
func CountFrames(p []byte) (n int) {
	for len(p) > 0 {
		p = p[FrameLen(p):]
		n++
	}
	return n
}
