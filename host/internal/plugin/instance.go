package plugin

import (
	"context"
	"fmt"
	"log/slog"
	"math"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/tetratelabs/wazero"
	"github.com/tetratelabs/wazero/api"
	"github.com/tetratelabs/wazero/experimental"
)

// instance is one running copy of a module. One goroutine at a time may use
// it, and close it: never while a call runs, since its memory goes away.
type instance struct {
	v      *version
	mod    api.Module
	memory instanceMemory
	watch  *watch
	call   callContext
	stdout guestWriter
	stderr guestWriter
	inbox  uint32 // address
	room   uint32 // capacity of the inbox
	hooks  [abi.NumHooks]api.Function
	stack  [4]uint64 // parameters and result of a hook
}

// moduleConfig is anonymous, since instances of one module share a runtime,
// and runs no start function: start calls _initialize itself.
var moduleConfig = wazero.NewModuleConfig().WithName("").WithStartFunctions()

// start makes an instance: instantiation, _initialize, azu_v1 and on_load, in
// the time of LoadDeadline together. What the guest asks for goes to env,
// which may be nil; nothing is committed. The error is a *Fault.
func (v *version) start(env Env) (*instance, error) {
	p := v.plugin
	i := &instance{
		v:      v,
		memory: instanceMemory{alloc: p.alloc},
		watch:  newWatch(p.options.Metering, p.epoch),
		stdout: guestWriter{log: p.log, lines: p.guestLog, level: slog.LevelInfo, stream: "stdout"},
		stderr: guestWriter{log: p.log, lines: p.guestLog, level: slog.LevelWarn, stream: "stderr"},
	}
	i.stdout.before, i.stderr.before = i.call.releaseSlot, i.call.releaseSlot
	i.call = callContext{plugin: p, watch: i.watch, stdout: &i.stdout, stderr: &i.stderr}
	if p.options.Metering == Fuel {
		i.call.fuel.limit = p.options.LoadFuel
	}
	p.instances.Add(1)
	begun := time.Now()
	due := i.watch.begin(p.options.LoadDeadline)
	i.call.begin(env, p.options.Config)
	err := i.startUp()
	i.call.end()
	v.fuel.Add(i.call.fuel.used())
	if !i.watch.end(due) && err == nil {
		err = errDeadline
	}
	took := time.Since(begun)
	if err != nil {
		i.close()
		err = &Fault{Hook: abi.OnLoad, Reason: Start, Err: err}
	} else {
		i.watch.rest()
		if p.options.Metering == Fuel {
			i.call.fuel.limit = p.options.Fuel
			i.call.fuel.global = i.mod.ExportedGlobal(meterFuel).(api.MutableGlobal)
		}
	}
	if o := p.options.Observer; o != nil && (err != nil || v.has(abi.OnLoad)) {
		o.HookDone(abi.OnLoad, took, err)
	}
	if err != nil {
		return nil, err
	}
	return i, nil
}

// startUp is what start bounds.
func (i *instance) startUp() error {
	if err := i.instantiate(); err != nil {
		return startError("instantiation", err)
	}
	if f := i.mod.ExportedFunction(abi.InitExport); f != nil {
		if err := f.CallWithStack(&i.call, nil); err != nil {
			return startError(abi.InitExport, err)
		}
	}
	if err := i.findInbox(); err != nil {
		return startError(abi.VersionExport, err)
	}
	if i.call.failed {
		return &HookError{Hook: abi.OnLoad, Text: i.failText()}
	}
	if !i.v.has(abi.OnLoad) {
		return nil
	}
	code, err := i.invoke(&Event{Hook: abi.OnLoad, Data: i.v.plugin.options.Config})
	if err != nil {
		return startError(abi.OnLoad.String(), err)
	}
	if code != 0 || i.call.failed {
		return &HookError{Hook: abi.OnLoad, Code: code, Text: i.failText()}
	}
	return nil
}

// startError says in which step of the start something went wrong.
func startError(step string, err error) error { return fmt.Errorf("%s: %w", step, err) }

// instantiate makes the module's instance. Its start function, if it has one,
// runs here.
func (i *instance) instantiate() (err error) {
	defer func() {
		// The allocator has only a panic to say that there is no memory.
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	ctx := experimental.WithMemoryAllocator(&i.call, &i.memory)
	i.mod, err = i.v.runtime.InstantiateModule(ctx, i.v.compiled, moduleConfig)
	if err != nil {
		return err
	}
	i.call.mem = i.mod.Memory()
	return nil
}

// findInbox asks the guest for its inbox. Memory never shrinks, so that one
// look is enough. A capacity of 0 means that the guest pulls all events.
func (i *instance) findInbox() error {
	if err := i.mod.ExportedFunction(abi.VersionExport).CallWithStack(&i.call, i.stack[:1]); err != nil {
		return err
	}
	i.inbox, i.room = uint32(i.stack[0]>>32), uint32(i.stack[0])
	if size := i.call.mem.Size(); uint64(i.inbox)+uint64(i.room) > uint64(size) {
		return fmt.Errorf("the inbox, %d bytes at %d, is outside of the memory of %d bytes", i.room, i.inbox, size)
	}
	return nil
}

// run calls the hook of an event. The error is a *HookError, or a *Fault
// after which the instance must be closed.
func (i *instance) run(ev *Event, env Env) error {
	p := i.v.plugin
	observer := p.options.Observer
	var begun time.Time
	if observer != nil {
		begun = time.Now()
	}
	i.call.begin(env, ev.Data)
	due := i.watch.begin(p.options.Deadline)
	code, err := i.invoke(ev)
	if i.call.fuel.limit > 0 {
		i.v.fuel.Add(i.call.fuel.used())
	}
	if !i.watch.end(due) && err == nil {
		err = errDeadline // it came back, but too late
	}
	i.call.end()
	if err != nil {
		err = &Fault{Hook: ev.Hook, Reason: reasonOf(err), Err: err}
	} else if code != 0 || i.call.failed {
		err = &HookError{Hook: ev.Hook, Code: code, Text: i.failText()}
	}
	if observer != nil {
		observer.HookDone(ev.Hook, time.Since(begun), err)
	}
	return err
}

func (i *instance) failText() string { return escape(i.call.text) }

// invoke puts the event into the inbox, if it fits, and calls the hook. The
// error comes from wazero.
func (i *instance) invoke(ev *Event) (code int32, err error) {
	if len(ev.Data) > math.MaxInt32 {
		return 0, fmt.Errorf("an event of %d bytes is more than a hook can be told of", len(ev.Data))
	}
	if n := len(ev.Data); n > 0 && uint64(n) <= uint64(i.room) {
		i.call.mem.Write(i.inbox, ev.Data)
	}
	f := i.hooks[ev.Hook]
	if f == nil {
		f = i.mod.ExportedFunction(ev.Hook.String())
		i.hooks[ev.Hook] = f
	}
	size, arg := uint64(len(ev.Data)), api.EncodeI32(ev.Arg)
	switch ev.Hook {
	case abi.OnLoad:
		i.stack[0] = size
	case abi.OnPresence, abi.OnPublish:
		i.stack[0], i.stack[1] = size, arg
	default: // conn, len, and the argument of those that have one
		i.stack[0], i.stack[1], i.stack[2] = ev.Conn, size, arg
	}
	if err := f.CallWithStack(&i.call, i.stack[:]); err != nil {
		return 0, err
	}
	return api.DecodeI32(i.stack[0]), nil
}

// close frees the instance. It may be called after a start that failed.
func (i *instance) close() {
	i.watch.stop()
	i.stdout.flush()
	i.stderr.flush()
	if i.mod != nil {
		if err := i.mod.Close(context.Background()); err != nil {
			i.v.plugin.log.Warn("plugin instance not closed cleanly", "version", i.v.id, "err", err)
		}
	}
	// After some errors wazero considers the module closed and keeps its memory.
	i.memory.free()
	i.v.plugin.instances.Add(-1)
}
