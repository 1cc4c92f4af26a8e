package plugin

import (
	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero/api"
)

// maxFailText limits the text that a HookError keeps of the argument of fail, in bytes.
const maxFailText = 1 << 10

// hostLog implements log(level, text*).
func hostLog(c *callContext, s []uint64) uint64 {
	level, text := abi.Level(int32(s[0])), c.input(s[1], s[2])
	if level < abi.Debug || level > abi.Error {
		return errnoOf(abi.Invalid)
	}
	if c.hasSlot && c.plugin.guestLog.wouldWrite(c.plugin.log, SlogLevel(level)) {
		c.releaseSlot() // writing to the log may block
	}
	if c.env == nil {
		c.plugin.guestLog.WriteLine(c.plugin.log, SlogLevel(level), text, "stream", "log")
		return 0
	}
	c.env.Log(level, text)
	return 0
}

// hostMetric implements metric(op, name*, labels*, value).
func hostMetric(c *callContext, s []uint64) uint64 {
	name, labels := c.input(s[1], s[2]), c.input(s[3], s[4])
	return errnoResult(c.env.Metric(abi.MetricOp(int32(s[0])), name, labels, api.DecodeF64(s[5])))
}

// hostFail implements fail(text*).
func hostFail(c *callContext, s []uint64) uint64 {
	text := c.input(s[0], s[1])
	c.failed = true
	c.failText = append(c.failText[:0], text[:min(len(text), maxFailText)]...)
	if c.env != nil {
		c.env.Fail(text)
	}
	return errnoOf(abi.Failed)
}
