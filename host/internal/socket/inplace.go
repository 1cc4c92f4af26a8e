package socket

import (
	"encoding/binary"

	"github.com/azuhost/azuhost/host/abi"
)

// decodeInPlace decodes the message at the start of rest if it is one final data
// frame and all of it is there. It unmasks the payload p in place, and returns
// the length n of the frame; n is 0 if there is no such message. It checks no
// rules: scan has checked rest.
func (c *Conn) decodeInPlace() (kind abi.Kind, p []byte, n int) {
	b := c.rest
	if len(b) < 6 || c.libraryIn.Buffered() > 0 {
		return 0, nil, 0
	}
	kind = abi.Kind(b[0] & 0x0f)
	if b[0]&0x80 == 0 || !kind.Valid() {
		return 0, nil, 0
	}
	size, head := int(b[1]&0x7f), 6
	switch size {
	case 126:
		head = 8
		if len(b) < head {
			return 0, nil, 0
		}
		size = int(binary.BigEndian.Uint16(b[2:]))
	case 127: // larger than a read buffer
		return 0, nil, 0
	}
	if len(b) < head+size {
		return 0, nil, 0
	}
	p = b[head : head+size]
	unmask(p, binary.LittleEndian.Uint32(b[head-4:]))
	return kind, p, head + size
}

// unmask applies the mask of a client (RFC 6455, section 5.3), eight bytes at a
// time. key has the four bytes of the mask in little-endian order.
func unmask(p []byte, key uint32) {
	k := uint64(key)<<32 | uint64(key)
	for len(p) >= 8 {
		binary.LittleEndian.PutUint64(p, binary.LittleEndian.Uint64(p)^k)
		p = p[8:]
	}
	for i := range p {
		p[i] ^= byte(k >> (8 * i))
	}
}
