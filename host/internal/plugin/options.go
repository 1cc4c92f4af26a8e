package plugin

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wasm"
)

// Mode is how a Plugin distributes events over instances.
type Mode string

// Modes. An empty Mode is Single.
const (
	// Single uses one instance for all events of the route, one at a time. All connections share the globals of the
	// guest.
	Single Mode = "single"
	// Pool uses up to GOMAXPROCS instances. Any of them may get any event.
	Pool Mode = "pool"
)

// Metering is how a hook's running time is limited.
type Metering string

// Meterings. An empty Metering is Fuel.
const (
	// Fuel adds code to the module that counts its instructions. At the end of each slice of fuel, the host checks
	// the hook's deadline and fuel.
	Fuel Metering = "fuel"
	// Deadline checks the hook's deadline at every loop iteration, with code of wazero.
	Deadline Metering = "deadline"
	// Off sets no limit. It is for trusted plugins and for measurements.
	Off Metering = "off"
)

// Defaults of Options.
const (
	DefaultDeadline     = 50 * time.Millisecond
	defaultLoadDeadline = 5 * time.Second
	DefaultMemoryLimit  = 64 << 20
	DefaultMaxModule    = 16 << 20
	// DefaultFuel is the fuel of a hook. Spending it takes far longer than DefaultDeadline.
	DefaultFuel = 1_000_000_000
	// defaultLoadFuel is the fuel of the start of an instance.
	defaultLoadFuel = 100_000_000_000
)

// Options configure a Plugin. The zero value works.
type Options struct {
	Mode     Mode
	Metering Metering
	// Deadline limits the time of one hook. 0 means 50 ms.
	Deadline time.Duration
	// LoadDeadline limits the time of the start of an instance: _initialize, azu_v1 and on_load together. 0 means
	// 5 s. With Metering Off a start that loops is not limited either, because the limit would need checks in the
	// code of every hook.
	LoadDeadline time.Duration
	// Fuel limits the instructions of one hook with Metering Fuel, about one for each instruction. The number is
	// exact and repeatable: it counts work, not time. 0 means 1,000,000,000.
	Fuel int64
	// LoadFuel limits the instructions of the start of an instance in the same way. 0 means 100,000,000,000.
	LoadFuel int64
	// Scan limits what a module may declare, besides its size and memory.
	Scan wasm.Limits
	// Allow lists the capabilities that modules may use. A module that needs others is refused, unless its manifest
	// says that they are optional. nil allows all.
	Allow []abi.Capability
	// CPUSlots limits long-running hooks. All Plugins of a process share it. nil creates one for this Plugin alone.
	CPUSlots *CPUSlots
	// MemoryLimit limits the linear memory of one instance, in bytes. It is rounded up to pages of 64 KiB. 0 means
	// 64 MiB.
	MemoryLimit int64
	// MaxModule limits the size of a module, in bytes. 0 means 16 MiB.
	MaxModule int64
	// Config is the data of on_load. Empty means "{}".
	Config []byte
	// CacheDir keeps compiled code between runs of the process. Empty means no cache. The directory holds executable
	// code: it is created with mode 0700, and refused if others may write to it.
	CacheDir string
	// Log receives lines of guests and of this package. nil discards them.
	Log *slog.Logger
	// GuestLog limits the lines of guests. Several Plugins may share it. nil creates one for this Plugin alone.
	GuestLog *GuestLog
	// Observer receives the results of hooks. It may be nil.
	Observer Observer
	// NewEnv returns the Env for on_load. Its Commit is called for the first instance of a version only: later
	// instances run on_load to set their globals, and the effects are dropped. Without NewEnv, host functions other
	// than log, now, fail and read return State while an instance starts.
	NewEnv func() Env
}

// Observer receives the results of hooks. Its methods may be called concurrently and must not block.
type Observer interface {
	// HookDone reports a hook that ran for d in the guest. err is nil, a *HookError or a *Fault. An instance that did
	// not start is reported as on_load with a *Fault, even if the module has no on_load.
	HookDone(h abi.Hook, d time.Duration, err error)
}

// validate returns an error for options that make no sense.
func (o *Options) validate() error {
	switch o.Mode {
	case "", Single, Pool:
	default:
		return fmt.Errorf("plugin: unknown mode %q: use %q or %q", o.Mode, Single, Pool)
	}
	switch o.Metering {
	case "", Fuel, Deadline, Off:
	default:
		return fmt.Errorf("plugin: unknown metering %q: use %q, %q or %q", o.Metering, Fuel, Deadline, Off)
	}
	if min(o.Deadline, o.LoadDeadline) < 0 || min(o.Fuel, o.LoadFuel, o.MemoryLimit, o.MaxModule) < 0 {
		return errors.New("plugin: a limit is negative: use 0 for the default")
	}
	if o.MemoryLimit > maxMemory {
		return fmt.Errorf("plugin: the memory limit is %d bytes, and a module can address at most %d",
			o.MemoryLimit, int64(maxMemory))
	}
	return nil
}

// withDefaults returns o with the default for each option that is not set.
func (o Options) withDefaults() Options {
	o.Mode = cmp.Or(o.Mode, Single)
	o.Metering = cmp.Or(o.Metering, Fuel)
	o.Deadline = cmp.Or(o.Deadline, DefaultDeadline)
	o.LoadDeadline = cmp.Or(o.LoadDeadline, defaultLoadDeadline)
	o.Fuel = cmp.Or(o.Fuel, DefaultFuel)
	o.LoadFuel = cmp.Or(o.LoadFuel, defaultLoadFuel)
	o.MemoryLimit = cmp.Or(o.MemoryLimit, DefaultMemoryLimit)
	o.MaxModule = cmp.Or(o.MaxModule, DefaultMaxModule)
	if len(o.Config) == 0 {
		o.Config = []byte("{}")
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.CPUSlots == nil {
		o.CPUSlots = NewCPUSlots()
	}
	if o.GuestLog == nil {
		o.GuestLog = NewGuestLog(nil)
	}
	return o
}
