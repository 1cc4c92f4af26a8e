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

// The import that metered code calls when its counter is below zero, and the export that is the counter. The guest's
// own code can name neither of them.
const (
	meterModule = "azuhost"
	meterSpend  = "spend"
	meterFuel   = "azuhost_fuel"
)

// fuelSlice is the fuel that a hook gets at a time. At the end of a slice the host reads the clock and lets other
// goroutines run: generated code cannot be preempted, and Go's garbage collector waits for it. A slice lasts well under
// a millisecond.
const fuelSlice = 200_000

// A hook that has run for maxRunTime does not only yield at the end of a slice: it sleeps for runPause. While every
// processor runs a guest, Go polls the network every 10 ms only; a processor that is idle polls it at once. On Linux a
// sleep lasts for about a millisecond, however short it is meant to be, and slices end many times in a millisecond: a
// sleep at the end of each slice would leave a hook a thirtieth of its time.
const (
	maxRunTime = time.Millisecond
	runPause   = 20 * time.Microsecond
)

var (
	errFuel  = errors.New("the fuel of the hook is spent")
	errStack = errors.New("stack overflow: the calls of the guest are too deep")
)

// fuelState is the fuel of one instance.
type fuelState struct {
	limit  int64             // fuel that a hook may spend; 0: hooks are not metered
	global api.MutableGlobal // counter of the guest's code; nil before that code first runs

	// State of the running hook.
	spent        int64         // fuel before the current slice
	granted      int64         // fuel of the current slice
	host         int64         // fuel of host functions in the current slice; the counter of the code is slower to reach
	runningSince time.Duration // last sleep, after watchdog.epoch; 0: the hook has not reached the end of a slice
}

// reset prepares for a hook.
func (f *fuelState) reset() {
	if f.limit == 0 {
		return
	}
	f.spent, f.granted, f.host, f.runningSince = 0, 0, 0, 0
	if f.global != nil {
		f.grantSlice()
	}
}

func (f *fuelState) grantSlice() {
	f.granted = min(fuelSlice, f.limit-f.spent)
	f.global.Set(uint64(f.granted))
}

// used returns the fuel that the hook has spent so far.
func (f *fuelState) used() int64 {
	if f.global == nil {
		return 0
	}
	return f.spent + f.granted + f.host - int64(f.global.Get())
}

// hostSpend is the import of metered code. It returns when the guest may run on.
func hostSpend(ctx context.Context, mod api.Module, stack []uint64) {
	c := callOf(ctx)
	if wasm.Reason(stack[0]) == wasm.StackOverflow {
		panic(errStack)
	}
	f := &c.fuel
	if f.global == nil {
		f.global = mod.ExportedGlobal(meterFuel).(api.MutableGlobal)
	}
	c.renewSlice()
	c.takeSlot()
}

// renewSlice ends the current slice and grants the next one. It ends the hook, by a panic, if its fuel is spent or its
// deadline has passed.
func (c *callContext) renewSlice() {
	f := &c.fuel
	f.spent = f.used()
	f.granted, f.host = 0, 0
	f.global.Set(0)
	if f.spent > f.limit {
		panic(errFuel)
	}
	c.yield()
	f.grantSlice()
}

// yield lets other goroutines run, and ends a hook whose deadline has passed. It sleeps while the hook holds its CPU
// slot, so that a processor is idle meanwhile.
func (c *callContext) yield() {
	c.CheckTime()
	f, epoch := &c.fuel, c.watchdog.epoch
	switch now := time.Since(epoch); {
	case f.runningSince == 0:
		f.runningSince = now
	case now-f.runningSince > maxRunTime:
		time.Sleep(runPause)
		f.runningSince = time.Since(epoch)
		return
	}
	runtime.Gosched()
}

// chargeFuel charges the hook for a host function, before the function has any effect. A slice that ends in a host
// function is like one that ends in the guest's code: the hook takes a CPU slot for the next slice.
func (c *callContext) chargeFuel(fuel int64) {
	f := &c.fuel
	if f.limit == 0 || f.global == nil {
		return
	}
	f.host += fuel
	switch {
	case f.host >= fuelSlice:
		c.renewSlice()
		c.takeSlot()
	case f.spent+f.granted+f.host > f.limit:
		c.renewSlice()
	}
}

// chargeBytes charges the hook for n bytes that a host function reads or writes.
func (c *callContext) chargeBytes(n int) {
	if n >= abi.BytesPerFuel {
		c.chargeFuel(int64(n / abi.BytesPerFuel))
	}
}

// instantiateMeter adds the import of metered code to the runtime of a version.
func instantiateMeter(ctx context.Context, rt wazero.Runtime) error {
	_, err := rt.NewHostModuleBuilder(meterModule).NewFunctionBuilder().
		WithGoModuleFunction(api.GoModuleFunc(hostSpend), []api.ValueType{api.ValueTypeI32}, nil).
		Export(meterSpend).Instantiate(ctx)
	return err
}
