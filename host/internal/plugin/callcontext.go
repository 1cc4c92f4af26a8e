package plugin

import (
	"context"
	"math"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero/api"
)

// callContext is the state of the running hook that host functions use. Each instance has one. It is the
// context of every call into the guest, so that host functions find it by a type assertion. It belongs to the goroutine
// that uses the instance.
type callContext struct {
	plugin   *Plugin
	watchdog *watchdog
	fuel     fuelState
	stdout   *guestWriter
	stderr   *guestWriter
	mem      api.Memory // set by the first host function or by start, whichever is first
	scratch  []byte     // takes data of the Env before its length is known to fit into the guest's buffer

	// State of the running hook.
	env      Env           // nil while an instance starts without Options.NewEnv
	event    []byte        // data of the event, for read
	failed   bool          // the hook called fail
	failText []byte        // argument of fail
	slept    time.Duration // in poll_oneoff
	hasSlot  bool          // the hook holds one of CPUSlots
	waiter   Waiter        // the Env, after setOnWait
}

// maxKeptScratch is the capacity of the largest scratch buffer that is kept after a call.
const maxKeptScratch = 64 << 10

// begin sets the state for a hook.
func (c *callContext) begin(env Env, event []byte) {
	c.env, c.event = env, event
	c.failed, c.failText, c.slept = false, c.failText[:0], 0
	c.fuel.reset()
	if m, ok := env.(Metered); ok {
		m.SetMeter(c)
	}
	if c.hasSlot { // takePacedSlot took it before the hook
		c.setOnWait()
	}
}

// end releases the slot and the data of the hook.
func (c *callContext) end() {
	c.releaseSlot()
	if c.waiter != nil {
		c.waiter.OnWait(nil)
		c.waiter = nil
	}
	c.env, c.event = nil, nil
	if cap(c.scratch) > maxKeptScratch {
		c.scratch = nil
	}
}

// Charge implements Meter. Without metering by fuel it reads the clock, because nothing else does.
func (c *callContext) Charge(fuel int64) {
	if c.fuel.limit == 0 {
		c.CheckTime()
		return
	}
	c.chargeFuel(fuel)
}

// CheckTime implements Meter.
func (c *callContext) CheckTime() {
	if left, limited := c.watchdog.remaining(); limited && left <= 0 {
		panic(errDeadline)
	}
}

// callKey is the context key of the callContext.
type callKey struct{}

// Deadline implements context.Context. wazero does not call it.
func (c *callContext) Deadline() (time.Time, bool) { return time.Time{}, false }

// Done implements context.Context.
func (c *callContext) Done() <-chan struct{} { return c.watchdog.done }

// Err implements context.Context.
func (c *callContext) Err() error { return c.watchdog.err() }

// Value implements context.Context. wazero asks for a key of its own at every call.
func (c *callContext) Value(key any) any {
	if _, ok := key.(callKey); ok {
		return c
	}
	return nil
}

// callOf returns the callContext of ctx. While a module is instantiated, another context wraps it.
func callOf(ctx context.Context) *callContext {
	if c, ok := ctx.(*callContext); ok {
		return c
	}
	c, _ := ctx.Value(callKey{}).(*callContext)
	return c
}

// input returns n bytes of the guest's memory at ptr, and charges the hook for them. They are valid until the host
// function returns. If n is 0, ptr may be any address: languages give an empty slice any address. If the bytes are not
// in memory, the guest traps.
func (c *callContext) input(ptr, n uint64) []byte {
	b := c.buffer(ptr, n)
	c.chargeBytes(len(b))
	return b
}

// buffer is input for bytes that the host writes: it charges nothing.
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

// output is the result of a host function that returns data: the length of data, or the error number of err. It copies
// data to dst if it fits. data becomes the scratch buffer.
func (c *callContext) output(dst, data []byte, err error) uint64 {
	if err != nil {
		return errnoOf(err)
	}
	c.scratch = data
	c.chargeBytes(len(data))
	if len(data) <= len(dst) {
		copy(dst, data)
	}
	return lengthResult(len(data))
}

// errnoResult is the i32 result of a host function without a value.
func errnoResult(err error) uint64 {
	if err == nil {
		return 0
	}
	return errnoOf(err)
}

// errnoOf returns the i32 for an error. An error that is no abi.Errno becomes Unavailable.
func errnoOf(err error) uint64 {
	e, ok := err.(abi.Errno)
	if !ok || e >= 0 {
		e = abi.Unavailable
	}
	return api.EncodeI32(int32(e))
}

// lengthResult returns the i32 for a number that is not negative. Larger numbers become the largest i32.
func lengthResult(n int) uint64 { return uint64(min(n, math.MaxInt32)) }

// millis returns the duration of a guest's number of milliseconds. Numbers outside of the range of a Duration become
// the end of the range.
func millis(ms uint64) time.Duration {
	n := int64(ms)
	const most = math.MaxInt64 / int64(time.Millisecond)
	return time.Duration(max(-most, min(n, most))) * time.Millisecond
}
