package plugin

import (
	"math"
	"time"
)

// hostRead implements read(ptr, offset, len).
func hostRead(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[0], s[2])
	offset := uint32(s[1])
	if offset > math.MaxInt32 || int(offset) >= len(c.event) {
		return 0
	}
	n := copy(dst, c.event[offset:])
	c.chargeBytes(n)
	return lengthResult(n)
}

// hostNow implements now() -> i64.
func hostNow(c *callContext, _ []uint64) uint64 {
	if c.env == nil {
		return uint64(time.Now().UnixNano())
	}
	return uint64(c.env.Now().UnixNano())
}
