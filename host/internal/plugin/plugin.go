// Package plugin runs the logic of a route in WebAssembly: it compiles and validates modules, keeps instances, calls
// hooks and swaps versions while events arrive. It does not know sockets or rooms: an Env receives the calls of host
// functions.
package plugin

import (
	"errors"
	"log/slog"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// ErrNotLoaded is the error of Run while there is no version, and of Run and Load after Close.
var ErrNotLoaded = errors.New("plugin: no version is loaded")

// Plugin is the logic of one route across its versions. New returns one without a version, and Load adds the first
// version. All methods may be called concurrently.
type Plugin struct {
	options  Options
	log      *slog.Logger
	guestLog *GuestLog
	alloc    *allocator
	epoch    time.Time // start of the clocks of all instances

	instances atomic.Int64
	current   atomic.Pointer[version] // written under pool.mu

	pool instancePool
	kept *version // the version that Restore returns to; guarded by pool.mu

	loading  chan struct{} // has a value while a Load runs
	swapping sync.Mutex    // held while the effects of on_load take place and current changes
}

// New returns a Plugin without a version.
func New(o Options) (*Plugin, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	o = o.withDefaults()
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

// Has returns whether the current version has hook h.
func (p *Plugin) Has(h abi.Hook) bool {
	v := p.current.Load()
	return v != nil && v.has(h)
}

// Version returns the id of the current version, as VersionID does. It is empty while there is no version.
func (p *Plugin) Version() string {
	if v := p.current.Load(); v != nil {
		return v.id
	}
	return ""
}

// Stats are numbers of a Plugin at one moment.
type Stats struct {
	Instances   int   // instances of all versions, including the ones that start
	MemoryBytes int64 // linear memory of all instances, as the guests see it
	Fuel        int64 // fuel that the current version has spent
}

// Stats returns the current numbers.
func (p *Plugin) Stats() Stats {
	s := Stats{Instances: int(p.instances.Load()), MemoryBytes: p.alloc.bytes.Load()}
	if v := p.current.Load(); v != nil {
		s.Fuel = v.fuel.Load()
	}
	return s
}
