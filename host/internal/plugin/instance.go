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

// instance is one running copy of a module. One goroutine at a time may use it. It must not be closed during a call,
// because closing frees its memory.
type instance struct {
	version  *version
	mod      api.Module
	memory   instanceMemory
	watchdog *watchdog
	call     callContext
	stdout   guestWriter
	stderr   guestWriter

	inbox     uint32 // address of the guest's buffer for events
	inboxSize uint32
	hooks     [abi.NumHooks]api.Function // looked up at the first call
	stack     [4]uint64                  // parameters and result of a hook
}

// moduleConfig is anonymous because instances of one module share a runtime. It runs no start function because
// instance.initialize calls _initialize itself.
var moduleConfig = wazero.NewModuleConfig().WithName("").WithStartFunctions()

// start starts an instance: instantiation, _initialize, azu_v1 and on_load together have the time of LoadDeadline. The
// guest's calls go to env, which may be nil; start does not commit them. The error is a *Fault.
func (v *version) start(env Env) (*instance, error) {
	p := v.plugin
	i := v.newInstance()
	p.instances.Add(1)
	begun := time.Now()
	due := i.watchdog.begin(p.options.LoadDeadline)
	i.call.begin(env, p.options.Config)
	err := i.initialize()
	i.call.end()
	v.fuel.Add(i.call.fuel.used())
	if !i.watchdog.end(due) && err == nil {
		err = errDeadline
	}
	took := time.Since(begun)
	if err != nil {
		i.close()
		err = &Fault{Hook: abi.OnLoad, Reason: StartFailed, Err: err}
	}
	if o := p.options.Observer; o != nil && (err != nil || v.has(abi.OnLoad)) {
		o.HookDone(abi.OnLoad, took, err)
	}
	if err != nil {
		return nil, err
	}
	i.watchdog.disarm() // LoadDeadline is longer than the deadline of a hook
	if p.options.Metering == Fuel {
		i.call.fuel.limit = p.options.Fuel
		i.call.fuel.global = i.mod.ExportedGlobal(meterFuel).(api.MutableGlobal)
	}
	return i, nil
}

func (v *version) newInstance() *instance {
	p := v.plugin
	i := &instance{
		version:  v,
		memory:   instanceMemory{alloc: p.alloc},
		watchdog: newWatchdog(p.options.Metering, p.epoch),
	}
	writer := func(level slog.Level, stream string) guestWriter {
		return guestWriter{log: p.log, lines: p.guestLog, level: level, stream: stream, beforeLine: i.call.releaseSlot}
	}
	i.stdout, i.stderr = writer(slog.LevelInfo, "stdout"), writer(slog.LevelWarn, "stderr")
	i.call = callContext{plugin: p, watchdog: i.watchdog, stdout: &i.stdout, stderr: &i.stderr}
	if p.options.Metering == Fuel {
		i.call.fuel.limit = p.options.LoadFuel
	}
	return i
}

// initialize instantiates the module and runs the guest's code of a start.
func (i *instance) initialize() error {
	if err := i.instantiate(); err != nil {
		return stepError("instantiation", err)
	}
	if f := i.mod.ExportedFunction(abi.InitExport); f != nil {
		if err := f.CallWithStack(&i.call, nil); err != nil {
			return stepError(abi.InitExport, err)
		}
	}
	if err := i.findInbox(); err != nil {
		return stepError(abi.VersionExport, err)
	}
	if i.call.failed {
		return &HookError{Hook: abi.OnLoad, Text: i.failText()}
	}
	if !i.version.has(abi.OnLoad) {
		return nil
	}
	code, err := i.invoke(&Event{Hook: abi.OnLoad, Data: i.version.plugin.options.Config})
	if err != nil {
		return stepError(abi.OnLoad.String(), err)
	}
	if code != 0 || i.call.failed {
		return &HookError{Hook: abi.OnLoad, Code: code, Text: i.failText()}
	}
	return nil
}

// stepError adds the step of the start to an error.
func stepError(step string, err error) error { return fmt.Errorf("%s: %w", step, err) }

// instantiate sets mod. The start function of the module, if it has one, runs here.
func (i *instance) instantiate() (err error) {
	defer func() {
		// instanceMemory.Allocate panics if the system has no memory.
		if r := recover(); r != nil {
			err = fmt.Errorf("%v", r)
		}
	}()
	ctx := experimental.WithMemoryAllocator(&i.call, &i.memory)
	i.mod, err = i.version.runtime.InstantiateModule(ctx, i.version.compiled, moduleConfig)
	if err != nil {
		return err
	}
	i.call.mem = i.mod.Memory()
	return nil
}

// findInbox asks the guest for its inbox, once: memory never shrinks. A guest with an inbox of size 0 reads all events
// with read.
func (i *instance) findInbox() error {
	if err := i.mod.ExportedFunction(abi.VersionExport).CallWithStack(&i.call, i.stack[:1]); err != nil {
		return err
	}
	i.inbox, i.inboxSize = uint32(i.stack[0]>>32), uint32(i.stack[0])
	if size := i.call.mem.Size(); uint64(i.inbox)+uint64(i.inboxSize) > uint64(size) {
		return fmt.Errorf("the inbox, %d bytes at %d, is outside of the memory of %d bytes", i.inboxSize, i.inbox, size)
	}
	return nil
}

// run calls the hook of an event. The error is a *HookError, or a *Fault after which the instance must be closed.
func (i *instance) run(ev *Event, env Env) error {
	options := &i.version.plugin.options
	var begun time.Time
	if options.Observer != nil {
		begun = time.Now()
	}
	i.call.begin(env, ev.Data)
	due := i.watchdog.begin(options.Deadline)
	code, err := i.invoke(ev)
	if i.call.fuel.limit > 0 {
		i.version.fuel.Add(i.call.fuel.used())
	}
	if !i.watchdog.end(due) && err == nil {
		err = errDeadline // the hook returned after its deadline
	}
	i.call.end()
	if err != nil {
		err = &Fault{Hook: ev.Hook, Reason: reasonOf(err), Err: err}
	} else if code != 0 || i.call.failed {
		err = &HookError{Hook: ev.Hook, Code: code, Text: i.failText()}
	}
	if options.Observer != nil {
		options.Observer.HookDone(ev.Hook, time.Since(begun), err)
	}
	return err
}

func (i *instance) failText() string { return escape(i.call.failText) }

// invoke writes the event to the inbox, if it fits, and calls the hook. The error is from wazero.
func (i *instance) invoke(ev *Event) (code int32, err error) {
	if len(ev.Data) > math.MaxInt32 {
		return 0, fmt.Errorf("the event has %d bytes, and the limit of a hook is %d", len(ev.Data), math.MaxInt32)
	}
	if n := len(ev.Data); n > 0 && uint64(n) <= uint64(i.inboxSize) {
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
	default: // conn, len, and the argument of hooks that have one
		i.stack[0], i.stack[1], i.stack[2] = ev.Conn, size, arg
	}
	if err := f.CallWithStack(&i.call, i.stack[:]); err != nil {
		return 0, err
	}
	return api.DecodeI32(i.stack[0]), nil
}

// close frees the instance. It may be called after a failed start.
func (i *instance) close() {
	i.watchdog.stop()
	i.stdout.flush()
	i.stderr.flush()
	if i.mod != nil {
		if err := i.mod.Close(context.Background()); err != nil {
			i.version.plugin.log.Warn("plugin instance not closed cleanly", "version", i.version.id, "err", err)
		}
	}
	// After some errors wazero treats the module as closed and does not free its memory.
	i.memory.free()
	i.version.plugin.instances.Add(-1)
}
