// Package plugin runs the logic of a route in WebAssembly: it compiles and
// checks modules, keeps instances, calls hooks and swaps versions while
// events keep coming. It knows neither sockets nor rooms: what a hook asks
// for goes to an Env.
package plugin

import (
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wasm"
)

// Mode says how instances relate to events.
type Mode string

// Modes. An empty Mode is Single.
const (
	// Single: one instance serves all events of the route, one at a time.
	// Globals of the guest are state that all connections share.
	Single Mode = "single"
	// Pool: as many instances as GOMAXPROCS; any of them serves any event.
	Pool Mode = "pool"
)

// Metering says how a hook's running time is bounded.
type Metering string

// Meterings. An empty Metering is Fuel.
const (
	// Fuel: the module is rewritten so that it pays for what it runs. Every slice
	// of fuel it stops for a moment, and its deadline and fuel are looked at.
	Fuel Metering = "fuel"
	// Deadline: wazero checks the hook's deadline at every loop iteration.
	Deadline Metering = "deadline"
	// Off: nothing bounds a hook. For trusted plugins and measurements.
	Off Metering = "off"
)

// Defaults of Options.
const (
	DefaultDeadline     = 50 * time.Millisecond
	DefaultLoadDeadline = 5 * time.Second
	DefaultMemoryLimit  = 64 << 20
	DefaultMaxModule    = 16 << 20
	// DefaultFuel of a hook is far above what its default deadline allows.
	DefaultFuel = 1_000_000_000
	// DefaultLoadFuel of an instance's start.
	DefaultLoadFuel = 100_000_000_000
)

// Options configure a Plugin. The zero value works.
type Options struct {
	Mode     Mode
	Metering Metering
	// Deadline bounds one hook. 0: 50 ms.
	Deadline time.Duration
	// LoadDeadline bounds the start of an instance: _initialize, azu_v1 and
	// on_load together. 0: 5 s. Metering Off compiles no checks into the
	// module, so there a start that loops is not bounded either: a bound would
	// need the checks in every hook.
	LoadDeadline time.Duration
	// Fuel bounds what one hook may run, with Metering Fuel: about one for each
	// instruction. It is exact and repeatable, and it counts work, not time. 0: 1,000,000,000.
	Fuel int64
	// LoadFuel bounds the start of an instance likewise. 0: 100,000,000,000.
	LoadFuel int64
	// Scan bounds what a module may declare, beside its size and memory.
	Scan wasm.Limits
	// Allow is what modules may ask for: one that imports more is refused, or
	// goes without if its manifest says that it can. nil: all.
	Allow []abi.Capability
	// CPUSlots bound the hooks that run for long, and are shared by the Plugins of a
	// process. nil: this one's own.
	CPUSlots *CPUSlots
	// MemoryLimit bounds the linear memory of one instance, in bytes, rounded
	// up to 64 KiB pages. 0: 64 MiB.
	MemoryLimit int64
	// MaxModule bounds the size of a module, in bytes. 0: 16 MiB.
	MaxModule int64
	// Config is given to on_load as it is. Empty: "{}".
	Config []byte
	// CacheDir keeps compiled code between runs. Empty: no cache. It holds
	// executable code: it is made with mode 0700 and refused if others may
	// write to it.
	CacheDir string
	// Log receives the lines of the guest and of this package. nil: discard.
	Log *slog.Logger
	// GuestLog bounds the lines of the guest, and may be shared by several
	// Plugins. nil: one of its own.
	GuestLog *GuestLog
	// Observer is told of hooks, faults and instances. nil: nobody is.
	Observer Observer
	// NewEnv makes the Env in which on_load runs. Its Commit is called for
	// the first instance of a version only: later instances run on_load for
	// their globals, and what they ask for is dropped. nil: host functions
	// other than log, now, fail and read answer State while an instance starts.
	NewEnv func() Env
}

// withDefaults fills in what o leaves open, and refuses what makes no sense.
func (o Options) withDefaults() (Options, error) {
	switch o.Mode {
	case "":
		o.Mode = Single
	case Single, Pool:
	default:
		return o, fmt.Errorf("plugin: unknown mode %q: use %q or %q", o.Mode, Single, Pool)
	}
	switch o.Metering {
	case "":
		o.Metering = Fuel
	case Fuel, Deadline, Off:
	default:
		return o, fmt.Errorf("plugin: unknown metering %q: use %q, %q or %q", o.Metering, Fuel, Deadline, Off)
	}
	if o.Deadline < 0 || o.LoadDeadline < 0 || o.Fuel < 0 || o.LoadFuel < 0 || o.MemoryLimit < 0 || o.MaxModule < 0 {
		return o, errors.New("plugin: a limit is negative: use 0 for the default")
	}
	if o.MemoryLimit > maxMemory {
		return o, fmt.Errorf("plugin: a memory limit of %d bytes: a module can address %d at most", o.MemoryLimit, int64(maxMemory))
	}
	if o.Deadline == 0 {
		o.Deadline = DefaultDeadline
	}
	if o.LoadDeadline == 0 {
		o.LoadDeadline = DefaultLoadDeadline
	}
	if o.Fuel == 0 {
		o.Fuel = DefaultFuel
	}
	if o.LoadFuel == 0 {
		o.LoadFuel = DefaultLoadFuel
	}
	if o.MemoryLimit == 0 {
		o.MemoryLimit = DefaultMemoryLimit
	}
	if o.MaxModule == 0 {
		o.MaxModule = DefaultMaxModule
	}
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
	return o, nil
}

// Observer is told what happens in a Plugin. Calls may come from several
// goroutines at once and must not block.
type Observer interface {
	// HookDone reports a hook that ran, with the time in the guest. err is
	// nil, a *HookError or a *Fault. An instance that did not start is
	// reported as on_load with a *Fault, whether it has that hook or not.
	HookDone(h abi.Hook, d time.Duration, err error)
}

// ErrNotLoaded is what Run returns while there is no version, and after Close.
var ErrNotLoaded = errors.New("plugin: no version is loaded")

// Plugin is the logic of one route across its versions. It is made by New,
// empty, and gets its first version with Load. All methods may be called
// concurrently.
type Plugin struct {
	options   Options
	log       *slog.Logger
	guestLog  *GuestLog
	alloc     *allocator
	epoch     time.Time // all clocks of instances count from here
	instances atomic.Int64

	// loading is held by the one Load that runs.
	loading chan struct{}

	// current is written under pool.mu.
	current atomic.Pointer[version]
	pool    instancePool
	kept    *version // the version that Restore returns to; guarded by pool.mu

	// swapping is held while on_load takes effect and current changes.
	swapping sync.Mutex
}

// New makes a Plugin without a version.
func New(o Options) (*Plugin, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	p := &Plugin{
		options:  o,
		log:      o.Log,
		guestLog: o.GuestLog,
		alloc:    &allocator{limit: uint64(o.MemoryLimit+wasmPage-1) / wasmPage * wasmPage},
		epoch:    time.Now(),
		loading:  make(chan struct{}, 1),
	}
	p.pool.size = 1
	if o.Mode == Pool {
		p.pool.size = runtime.GOMAXPROCS(0)
	}
	return p, nil
}

// Has says whether the current version handles h.
func (p *Plugin) Has(h abi.Hook) bool {
	v := p.current.Load()
	return v != nil && v.has(h)
}

// Version is the id of the current version: the first 12 hex digits of the
// module's SHA-256. It is empty while there is none.
func (p *Plugin) Version() string {
	if v := p.current.Load(); v != nil {
		return v.id
	}
	return ""
}

// Stats are figures of a Plugin at one moment.
type Stats struct {
	Instances   int   // instances of all versions, the starting ones included
	MemoryBytes int64 // their linear memories together, as the guests see them
	Fuel        int64 // that the current version has spent
}

// Stats returns the figures of now.
func (p *Plugin) Stats() Stats {
	s := Stats{Instances: int(p.instances.Load()), MemoryBytes: p.alloc.bytes.Load()}
	if v := p.current.Load(); v != nil {
		s.Fuel = v.fuel.Load()
	}
	return s
}
