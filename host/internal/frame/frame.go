package frame

import (
	"encoding/binary"

	"github.com/azuhost/azuhost/host/abi"
)

// Opcodes (RFC 6455, section 5.2). OpText and OpBinary equal abi.Text and
// abi.Binary.
const (
	OpContinuation = 0x0
	OpText         = 0x1
	OpBinary       = 0x2
	OpClose        = 0x8
	OpPing         = 0x9
	OpPong         = 0xa
)

// finBit is set in the first byte of the last frame of a message.
const finBit = 0x80

// Payload lengths in the second byte of a header that announce a longer field.
const (
	length16 = 126 // two bytes follow
	length64 = 127 // eight bytes follow
)

// Append appends a final, unmasked data frame, the form in which a server
// sends a whole message (RFC 6455, section 5.2).
func Append(dst []byte, kind abi.Kind, payload []byte) []byte {
	return append(AppendHeader(dst, byte(kind), len(payload)), payload...)
}

// AppendHeader appends the header of a final, unmasked frame whose payload has
// n bytes. The length takes the shortest form, as RFC 6455 demands.
func AppendHeader(dst []byte, opcode byte, n int) []byte {
	dst = append(dst, finBit|opcode)
	switch {
	case n < length16:
		return append(dst, byte(n))
	case n < 1<<16:
		return append(dst, length16, byte(n>>8), byte(n))
	}
	return binary.BigEndian.AppendUint64(append(dst, length64), uint64(n))
}

// Opcode returns the opcode of the frame at the start of b.
func Opcode(b []byte) byte { return b[0] & 0x0f }

// IsControl reports whether the frame at the start of b is a WebSocket control
// frame: close, ping or pong (RFC 6455, section 5.5).
func IsControl(b []byte) bool { return Opcode(b) >= OpClose }

// Len returns the length in bytes, header included, of the unmasked frame at
// the start of b. The whole header must be in b.
func Len(b []byte) int {
	switch n := int(b[1] & 0x7f); n {
	case length16:
		return 4 + int(binary.BigEndian.Uint16(b[2:]))
	case length64:
		return 10 + int(binary.BigEndian.Uint64(b[2:]))
	default:
		return 2 + n
	}
}

// Payload returns the payload of f, one whole unmasked frame.
func Payload(f []byte) []byte {
	switch f[1] & 0x7f {
	case length16:
		return f[4:]
	case length64:
		return f[10:]
	}
	return f[2:]
}
