package plugin

import (
	"context"
	"math"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero/api"
)

// callContext is what host functions know of the hook that called them. There
// is one for each instance. It is the context of every call into the guest,
// so that host functions find it by a type assertion.
type callContext struct {
	plugin *Plugin
	watch  *watch
	fuel   fuelTank
	stdout *guestWriter
	stderr *guestWriter
	// mem is set by the first host function or by start, whichever is first.
	mem api.Memory

	// Of the running hook.
	env     Env    // nil while an instance starts and there is no NewEnv
	event   []byte // for read
	failed  bool
	text    []byte        // what fail was given
	slept   time.Duration // in poll_oneoff
	hasSlot bool          // the hook holds one of CPUSlots
	waiter  Waiter        // the Env, after setOnWait

	// scratch takes what the Env appends, before it is known to fit.
	scratch []byte
}

// keepScratch is the largest scratch buffer that is kept from call to call.
const keepScratch = 64 << 10

// begin prepares for a hook.
func (c *callContext) begin(env Env, event []byte) {
	c.env, c.event = env, event
	c.failed, c.text, c.slept = false, c.text[:0], 0
	c.fuel.begin()
	if m, ok := env.(Metered); ok {
		m.SetMeter(c)
	}
	if c.hasSlot { // from its beginning
		c.setOnWait()
	}
}

// Charge implements Meter. Where nothing else looks at the time, it does.
func (c *callContext) Charge(fuel int64) {
	if c.fuel.limit == 0 {
		c.CheckTime()
		return
	}
	c.charge(fuel)
}

// CheckTime implements Meter.
func (c *callContext) CheckTime() {
	if left, bounded := c.watch.left(); bounded && left <= 0 {
		panic(errDeadline)
	}
}

// end lets go of what belongs to the event.
func (c *callContext) end() {
	c.releaseSlot()
	if c.waiter != nil {
		c.waiter.OnWait(nil)
		c.waiter = nil
	}
	c.env, c.event = nil, nil
	if cap(c.scratch) > keepScratch {
		c.scratch = nil
	}
}

// callKey finds the callContext when another context is wrapped around it,
// which is so while a module is instantiated.
type callKey struct{}

// Deadline implements context.Context. wazero does not ask for it.
func (c *callContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} { return c.watch.done }

// Err implements context.Context.
func (c *callContext) Err() error { return c.watch.err() }

// Value implements context.Context. wazero asks for a key of its own at every call.
func (c *callContext) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c
	}
	return nil
}

func callOf(ctx context.Context) *callContext {
	if c, ok := ctx.(*callContext); ok {
		return c
	}
	c, _ := ctx.Value(callKey{}).(*callContext)
	return c
}

// bytes is the guest's memory from ptr, n bytes long. It is good until the
// host function returns. With n 0 nobody looks at ptr: languages give an empty
// slice any address. Anything outside memory traps.
func (c *callContext) bytes(ptr, n uint64) []byte {
	b := c.buffer(ptr, n)
	c.chargeBytes(len(b))
	return b
}

// buffer is bytes for a place where the host writes: its size costs nothing.
func (c *callContext) buffer(ptr, n uint64) []byte {
	p, l := uint32(ptr), uint32(n)
	if l == 0 {
		return nil
	}
	if l <= math.MaxInt32 {
		if b, ok := c.mem.Read(p, l); ok {
			return b
		}
	}
	panic(&pointerError{ptr: p, n: l, size: c.mem.Size()})
}

// give answers a getter: the length of data, or the error number. data is
// copied to dst if it fits.
func (c *callContext) give(dst, data []byte, err error) uint64 {
	if err != nil {
		return result(err)
	}
	c.scratch = data
	c.chargeBytes(len(data))
	if len(data) <= len(dst) {
		copy(dst, data)
	}
	return length(len(data))
}

// result is the i32 of a host function without a value.
func result(err error) uint64 {
	if err == nil {
		return 0
	}
	return errno(err)
}

func errno(err error) uint64 {
	e, ok := err.(abi.Errno)
	if !ok || e >= 0 {
		e = abi.Unavailable
	}
	return api.EncodeI32(int32(e))
}

// length is a number that is not negative, as the i32 of a host function.
func length(n int) uint64 { return uint64(min(n, math.MaxInt32)) }

// millis turns milliseconds of a guest into a duration, and keeps to the
// ends of its range.
func millis(ms uint64) time.Duration {
	n := int64(ms)
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(max(-most, min(n, most))) * time.Millisecond
}
