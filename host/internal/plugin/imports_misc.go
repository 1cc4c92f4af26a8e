package plugin

import (
	"math"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero/api"
)

// maxFailText is how much of the text of fail an error keeps, in bytes.
const maxFailText = 1 << 10

// log(level, text*)
func hostLog(c *callContext, s []uint64) uint64 {
	level, text := abi.Level(int32(s[0])), c.bytes(s[1], s[2])
	if level < abi.Debug || level > abi.Error {
		return errno(abi.Invalid)
	}
	if c.hasSlot && c.plugin.guestLog.ready(c.plugin.log, SlogLevel(level)) {
		c.releaseSlot() // who reads the log may be slow
	}
	if c.env == nil {
		c.plugin.guestLog.Line(c.plugin.log, SlogLevel(level), text, "stream", "log")
		return 0
	}
	c.env.Log(level, text)
	return 0
}

// metric(op, name*, labels*, value)
func hostMetric(c *callContext, s []uint64) uint64 {
	name, labels := c.bytes(s[1], s[2]), c.bytes(s[3], s[4])
	return result(c.env.Metric(abi.MetricOp(int32(s[0])), name, labels, api.DecodeF64(s[5])))
}

// now() -> i64
func hostNow(c *callContext, _ []uint64) uint64 {
	if c.env == nil {
		return uint64(time.Now().UnixNano())
	}
	return uint64(c.env.Now().UnixNano())
}

// fail(text*)
func hostFail(c *callContext, s []uint64) uint64 {
	text := c.bytes(s[0], s[1])
	c.failed = true
	c.text = append(c.text[:0], text[:min(len(text), maxFailText)]...)
	if c.env != nil {
		c.env.Fail(text)
	}
	return errno(abi.Failed)
}

// read(ptr, offset, len)
func hostRead(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[0], s[2])
	offset := uint32(s[1])
	if offset > math.MaxInt32 || int(offset) >= len(c.event) {
		return 0
	}
	n := copy(dst, c.event[offset:])
	c.chargeBytes(n)
	return length(n)
}
