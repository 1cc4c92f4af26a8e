package plugin

import (
	"context"
	"errors"
	"runtime"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wasm"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
)

// The import that metered code calls when a counter is below zero, and the
// export that is the fuel counter. The guest's own code can name neither.
const (
	meterModule = "azuhost"
	meterSpend  = "spend"
	meterFuel   = "azuhost_fuel"
)

// fuelSlice is what a hook gets at a time. When it is spent the guest stops
// for a moment, which is when the deadline is looked at and other goroutines
// run: generated code can not be preempted, and Go's garbage collector waits
// for it. A slice lasts well under a millisecond.
const fuelSlice = 200_000

var (
	errFuel  = errors.New("the fuel of the hook is spent")
	errStack = errors.New("stack overflow: the calls of the guest are too deep")
)

// fuelTank is the fuel of one instance: what it may spend in the running hook, and
// has. A zero limit: nothing is metered.
type fuelTank struct {
	limit   int64
	global  api.MutableGlobal // nil before the instance's code first ran
	spent   int64             // of what was granted before the last grant
	granted int64             // last
	awake   time.Duration     // since when the running hook has not slept, after the epoch; 0: it has not paused
	// host is what host functions cost since the last grant. It is added up here,
	// since the counter is of the guest's code and slower to reach: up to a slice, and
	// as long as the limit is not near.
	host int64
}

// A hook that has run for maxRunTime does not only yield: it sleeps. While
// every processor has a guest to run, nobody looks at the network for 10 ms; one
// that is idle for a moment looks. On Linux a sleep ends after a millisecond, however
// short it should be, so to sleep at every pause, which comes many times in a
// millisecond, would have a hook run for a thirtieth of its time.
const (
	maxRunTime = time.Millisecond
	runPause   = 20 * time.Microsecond
)

// begin fills the tank for a hook.
func (f *fuelTank) begin() {
	if f.limit == 0 {
		return
	}
	f.spent, f.granted, f.awake, f.host = 0, 0, 0, 0
	if f.global != nil {
		f.grant()
	}
}

func (f *fuelTank) grant() {
	f.granted = min(fuelSlice, f.limit-f.spent)
	f.global.Set(uint64(f.granted))
}

// used is the fuel that the hook has spent so far.
func (f *fuelTank) used() int64 {
	if f.global == nil {
		return 0
	}
	return f.spent + f.granted + f.host - int64(f.global.Get())
}

// spend is what metered code calls. It returns when the guest may run on.
func spend(ctx context.Context, mod api.Module, stack []uint64) {
	c := callOf(ctx)
	if wasm.Reason(stack[0]) == wasm.StackOverflow {
		panic(errStack)
	}
	f := &c.fuel
	if f.global == nil {
		f.global = mod.ExportedGlobal(meterFuel).(api.MutableGlobal)
	}
	c.settle()
	c.takeSlot()
}

// settle takes stock, ends a hook that has spent its fuel, and grants another slice.
func (c *callContext) settle() {
	f := &c.fuel
	f.spent = f.used()
	f.granted, f.host = 0, 0
	f.global.Set(0)
	if f.spent > f.limit {
		panic(errFuel)
	}
	c.pause()
	f.grant()
}

// pause lets others run, and ends a hook whose deadline has passed. It sleeps with its
// CPU slot, so that a processor is idle then.
func (c *callContext) pause() {
	if left, bounded := c.watch.left(); bounded && left <= 0 {
		panic(errDeadline)
	}
	f, epoch := &c.fuel, c.watch.epoch
	switch now := time.Since(epoch); {
	case f.awake == 0:
		f.awake = now
	case now-f.awake > maxRunTime:
		time.Sleep(runPause)
		f.awake = time.Since(epoch)
		return
	}
	runtime.Gosched()
}

// charge makes the hook pay for a host function, before it does anything. A slice that
// is spent in host functions is as one of the guest's own code: it takes the next CPU slot.
func (c *callContext) charge(price int64) {
	f := &c.fuel
	if f.limit == 0 || f.global == nil {
		return
	}
	f.host += price
	switch {
	case f.host >= fuelSlice:
		c.settle()
		c.takeSlot()
	case f.spent+f.granted+f.host > f.limit:
		c.settle()
	}
}

// chargeBytes makes the hook pay for what goes through a host function.
func (c *callContext) chargeBytes(n int) {
	if n >= abi.BytesPerFuel {
		c.charge(int64(n / abi.BytesPerFuel))
	}
}

// instantiateMeter gives a version's runtime the import of metered code.
func instantiateMeter(ctx context.Context, rt wazero.Runtime) error {
	_, err := rt.NewHostModuleBuilder(meterModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(spend), []api.ValueType{api.ValueTypeI32}, nil).
		Export(meterSpend).Instantiate(ctx)
	return err
}
