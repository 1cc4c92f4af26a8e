package plugin

import (
	"encoding/binary"
	"math"
	"time"

	"github.com/tetratelabs/wazero/api"
)

// Layout of subscriptions and events of poll_oneoff.
const (
	wasiSubscription = 48 // bytes
	wasiEvent        = 32 // bytes
	maxSubscriptions = 1024

	wasiEventClock   = 0 // type eventtype
	wasiEventFdRead  = 1
	wasiEventFdWrite = 2
	wasiAbsolute     = 1 // type subclockflags
)

// wasiPoll implements poll_oneoff(in, out, nsubscriptions, nevents). Streams are always ready. If all subscriptions are
// clocks, it sleeps until the first of them. At the hook's deadline it ends the hook.
func wasiPoll(c *callContext, mem api.Memory, s []uint64) uint64 {
	n := uint32(s[2])
	if n == 0 || n > maxSubscriptions {
		return wasiInval
	}
	in, ok1 := mem.Read(uint32(s[0]), n*wasiSubscription)
	out, ok2 := mem.Read(uint32(s[1]), n*wasiEvent)
	if _, ok3 := mem.Read(uint32(s[3]), 4); !ok1 || !ok2 || !ok3 {
		return wasiFault
	}
	c.chargeBytes(len(in))
	first := time.Duration(math.MaxInt64) // the shortest wait
	streamReady := false
	for sub := in; len(sub) > 0; sub = sub[wasiSubscription:] {
		switch sub[8] {
		case wasiEventClock:
			wait, errno := c.wasiWait(sub)
			if errno != wasiOK {
				return errno
			}
			first = min(first, wait)
		case wasiEventFdRead, wasiEventFdWrite:
			streamReady = true
		default:
			return wasiInval
		}
	}
	if streamReady {
		first = min(first, 0)
	}
	c.sleep(first)
	var events uint32
	for sub := in; len(sub) > 0; sub = sub[wasiSubscription:] {
		if sub[8] == wasiEventClock {
			if wait, _ := c.wasiWait(sub); wait > first && (streamReady || wait > 0) {
				continue
			}
		}
		writeEvent(out[events*wasiEvent:], sub)
		events++
	}
	mem.WriteUint32Le(uint32(s[3]), events)
	return wasiOK
}

// wasiWait returns the time that a clock subscription waits, or an error number. An absolute time in the past waits 0.
func (c *callContext) wasiWait(sub []byte) (time.Duration, uint64) {
	timeout := binary.LittleEndian.Uint64(sub[24:])
	if binary.LittleEndian.Uint16(sub[40:])&wasiAbsolute != 0 {
		now, ok := c.wasiNow(binary.LittleEndian.Uint32(sub[16:]))
		if !ok {
			return 0, wasiInval
		}
		if timeout <= uint64(now) {
			return 0, wasiOK
		}
		timeout -= uint64(now)
	}
	return time.Duration(min(timeout, math.MaxInt64)), wasiOK
}

// sleep waits for d, without a CPU slot. It ends the hook, by a panic, at the hook's deadline. Without metering, all
// sleeps of a hook together may take as long as a deadline.
func (c *callContext) sleep(d time.Duration) {
	if d <= 0 {
		return
	}
	left, limited := c.watchdog.remaining()
	if !limited {
		left = c.plugin.options.Deadline - c.slept
	}
	late := d >= left
	d = min(d, left)
	c.slept += d
	hadSlot := c.hasSlot
	c.releaseSlot()
	if d > 0 {
		time.Sleep(d) // not interruptible; at most as long as a deadline
	}
	if late {
		panic(errDeadline)
	}
	if hadSlot { // otherwise a hook that sleeps in each slice would run without a slot
		c.takeSlot()
	}
}

// writeEvent writes the event of a subscription to out.
func writeEvent(out, sub []byte) {
	clear(out[:wasiEvent])
	copy(out[:8], sub[:8]) // userdata
	out[10] = sub[8]       // type
	if sub[8] != wasiEventClock && binary.LittleEndian.Uint32(sub[16:]) > 2 {
		out[8] = wasiBadf
	}
}
