package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/netip"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/internal/appmetrics"
	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/clientip"
	"github.com/azuhost/azuhost/host/internal/connlimit"
	"github.com/azuhost/azuhost/host/internal/idempotency"
	"github.com/azuhost/azuhost/host/internal/logonce"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/rollout"
	"github.com/azuhost/azuhost/host/internal/socket"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
)

// Host serves channels. Make it with [New]. Methods may be called concurrently.
type Host struct {
	// Constant after New.
	log        *slog.Logger
	clock      Clock
	node       string
	broker     *broker.Broker // nil: the host is alone
	registry   *prometheus.Registry
	metrics    *metrics
	appMetrics *appmetrics.Metrics
	sockets    *socket.Group
	limits     *connlimit.Limits[*routeRuntime]
	cpuSlots   *plugin.CPUSlots
	state      *rollout.State
	keys       *idempotency.Keys[Delivery] // of publications
	refused    *logonce.Keys               // hosts and origins of refused handshakes
	ending     context.Context             // done when Close begins
	end        context.CancelFunc

	// Safe for concurrent use.
	calls   sync.Pool // of *call
	nextID  atomic.Uint64
	mux     atomic.Pointer[http.ServeMux]
	config  atomic.Pointer[config]
	closing atomic.Bool    // no new connections are accepted
	closed  atomic.Bool    // Close was called
	wait    sync.WaitGroup // background loops, trials, and routes and plugins that end

	// reload is held by one Reload or Close at a time. It guards the fields below.
	reload     sync.Mutex
	watcher    *rollout.Watcher
	registered []prometheus.Collector

	mu     sync.RWMutex
	routes []*routeRuntime // in the order of the options; guarded by mu
}

// config is the configuration of a host that is in force. A reload replaces it.
type config struct {
	Options
	proxies []netip.Prefix
	auth    *auth.Verifier // nil: no tokens are verified
}

// newConfig validates options and sets their defaults.
func newConfig(o Options) (*config, error) {
	o = o.withDefaults()
	if err := o.validate(); err != nil {
		return nil, err
	}
	proxies, err := clientip.ParseNetworks(o.TrustedProxies)
	if err != nil {
		return nil, fmt.Errorf("TrustedProxies: %w", err)
	}
	return &config{Options: o, proxies: proxies}, nil
}

// validate returns an error for options that make no sense. It does not look at the
// routes.
func (o Options) validate() error {
	if o.Node != "" && !naming.ValidNode(o.Node) {
		return fmt.Errorf("Node is %q: want 1 to 63 of a-z, 0-9 and -, as in a DNS label", o.Node)
	}
	for _, v := range []struct {
		name     string
		n, least int64
	}{
		{"MaxConnections", int64(o.MaxConnections), 0},
		{"MaxConnectionsPerAddress", int64(o.MaxConnectionsPerAddress), -1},
		{"HandshakeTimeout", int64(o.HandshakeTimeout), 0},
		{"PongTimeout", int64(o.PongTimeout), 0},
		{"MessageTimeout", int64(o.MessageTimeout), 0},
		{"CloseTimeout", int64(o.CloseTimeout), 0},
	} {
		if v.n < v.least {
			return fmt.Errorf("%s is %d: want 0 for the default, or more", v.name, v.n)
		}
	}
	return errors.Join(
		checkEach("AllowedOrigins", o.AllowedOrigins, CheckAllowedOrigin),
		checkEach("AllowedHosts", o.AllowedHosts, CheckAllowedHost),
		o.validateAuth(),
	)
}

// New makes a host and loads the plugins of its routes. The error joins all that is
// wrong. The caller ends the host with Close.
func New(o Options) (*Host, error) {
	cfg, err := newConfig(o)
	if err != nil {
		return nil, errors.Join(err, checkRoutes(o.Routes))
	}
	o = cfg.Options
	h := &Host{
		log:        o.Log,
		keys:       idempotency.New[Delivery](),
		refused:    logonce.New(),
		node:       cmp.Or(o.Node, naming.NewNode()),
		registry:   o.Registry,
		appMetrics: appmetrics.New(),
		cpuSlots:   plugin.NewCPUSlots(),
		limits:     connlimit.New[*routeRuntime](o.MaxConnections, o.MaxConnectionsPerAddress),
	}
	if h.clock = o.Clock; h.clock == nil {
		h.clock = systemClock{}
	}
	if h.log == nil {
		h.log = slog.Default()
	}
	h.ending, h.end = context.WithCancel(context.Background())
	h.state = rollout.OpenState(o.StateDir, h.log)
	h.calls.New = func() any { return &call{} }
	h.config.Store(cfg)
	h.metrics = newMetrics(h)
	h.sockets, err = socket.NewGroup(socket.Timeouts{
		PingInterval: o.PingInterval, Pong: o.PongTimeout, Message: o.MessageTimeout, Close: o.CloseTimeout,
	})
	if err != nil {
		return nil, err
	}
	if err := h.openBroker(o.Broker); err != nil {
		return nil, errors.Join(err, h.Close(context.Background()))
	}
	if err := h.start(o); err != nil {
		return nil, errors.Join(err, h.Close(context.Background()))
	}
	return h, nil
}

// Registry returns the registry of the host's metrics: Options.Registry, or the one that New made.
func (h *Host) Registry() *prometheus.Registry { return h.registry }

// start registers the metrics and loads the routes.
func (h *Host) start(o Options) error {
	h.reload.Lock()
	defer h.reload.Unlock()
	if h.registry == nil {
		h.registry = prometheus.NewRegistry()
		h.registry.MustRegister(
			collectors.NewGoCollector(),
			collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}),
		)
	}
	for _, c := range []prometheus.Collector{h.metrics, h.appMetrics} {
		if err := h.registry.Register(c); err != nil {
			return fmt.Errorf("register metrics: %w", err)
		}
		h.registered = append(h.registered, c)
	}
	return h.apply(context.Background(), o)
}

// RouteInfo describes a route that is served.
type RouteInfo struct {
	Path         string     `json:"path"`
	Plugin       string     `json:"plugin"`
	Version      string     `json:"version"`
	State        RouteState `json:"state"`
	Instances    Instances  `json:"instances"`
	Auth         AuthMode   `json:"auth,omitempty"`
	Running      int        `json:"running"`             // instances; 0 for a channel in Go
	Connections  int        `json:"connections"`         // open ones on this node
	Until        time.Time  `json:"until,omitzero"`      // the end of a quarantine or probation; zero: none
	Faults       int64      `json:"faults"`              // of hooks on this node since its start
	LastGood     string     `json:"last_good,omitempty"` // the last version that has passed its trial
	Refused      string     `json:"refused,omitempty"`   // the version that was rolled back
	Subprotocols []string   `json:"subprotocols,omitempty"`
}

// Routes describes the routes in the order of the options.
func (h *Host) Routes() []RouteInfo {
	var out []RouteInfo
	for _, rt := range h.runtimes() {
		s := rt.settings.Load()
		info := RouteInfo{
			Path: rt.pattern, Plugin: s.name, Version: s.version(), Instances: s.route.Instances, Auth: s.route.Auth,
			Connections: rt.hub.Len(), Faults: rt.faults.Load(), Subprotocols: s.route.Subprotocols,
		}
		var until time.Time
		if info.State, until = rt.state(h.now()); info.State != Serving {
			info.Until = until
		}
		if s.plugin != nil {
			info.Running = s.plugin.Stats().Instances
			info.LastGood, info.Refused = s.rollout.History.IDs()
		}
		out = append(out, info)
	}
	return out
}

// Close ends the host. It refuses new connections, closes the open ones at once with
// the code of a drain, runs on_close for each, and frees the plugins. Timers and
// presence events that are due are dropped. When ctx ends before all clients have
// answered the close, Close cuts their sockets; on_close runs all the same. When a hook
// still runs a moment after that, Close returns the error of ctx, and its plugin is
// freed when the hook ends.
func (h *Host) Close(ctx context.Context) error {
	idle := h.stopAccepting()
	if h.closed.Swap(true) {
		return nil
	}
	h.reload.Lock()
	defer h.reload.Unlock()
	h.end()
	if h.watcher != nil {
		h.watcher.Close()
		h.watcher = nil
	}
	for _, c := range h.connections() {
		c.closeForDrain(h.reconnectAfter())
	}
	err := h.sockets.Close(ctx, closeRestart, reconnectReason(h.reconnectAfter()))
	select { // handshakes under way
	case <-idle:
	case <-ctx.Done():
		err = errors.Join(err, fmt.Errorf("handshakes: %w", ctx.Err()))
	}
	for _, rt := range h.runtimes() {
		close(rt.stop)
	}
	err = errors.Join(err, h.awaitHooks(ctx), h.closeBroker(ctx), h.closePlugins(ctx))
	if v := h.config.Load().auth; v != nil {
		v.Close()
	}
	for _, c := range h.registered {
		h.registry.Unregister(c)
	}
	h.appMetrics.Clear()
	return err
}

// closeHookWait is how long Close waits for running hooks after its context has ended:
// the default deadline of a hook, and the same again for the host to act on it.
const closeHookWait = 2 * plugin.DefaultDeadline

// awaitHooks waits for the goroutines of h.wait.
func (h *Host) awaitHooks(ctx context.Context) error {
	done := make(chan struct{})
	go func() {
		h.wait.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
	}
	select {
	case <-done:
		return nil
	case <-time.After(closeHookWait):
		return fmt.Errorf("hooks still run: %w", ctx.Err())
	}
}

// closePlugins frees the plugins of all routes.
func (h *Host) closePlugins(ctx context.Context) error {
	var errs []error
	for _, rt := range h.runtimes() {
		if p := rt.settings.Load().plugin; p != nil {
			errs = append(errs, p.Close(ctx))
		}
	}
	return errors.Join(errs...)
}

// Version returns the version of the host's module as the build has recorded it.
func Version() string {
	if bi, ok := debug.ReadBuildInfo(); ok {
		if bi.Main.Path == "github.com/azuhost/azuhost" && bi.Main.Version != "" {
			return bi.Main.Version
		}
		for _, d := range bi.Deps {
			if d.Path == "github.com/azuhost/azuhost" {
				return d.Version
			}
		}
	}
	return "(devel)"
}
