package host

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"reflect"
	"runtime"
	"slices"
	"sync"

	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/rollout"
	"github.com/azuhost/azuhost/host/internal/routepath"
	"github.com/azuhost/azuhost/host/internal/socket"
	"github.com/azuhost/azuhost/internal/fields"
	"github.com/azuhost/azuhost/internal/wasm"
)

// ErrRestart says that a change of options needs a new host.
var ErrRestart = errors.New("needs a restart")

// Reload applies other options: routes come, go (their connections are closed
// with 1001) and change; rooms, values and the store of a route that stays are
// kept, as are its connections. On error nothing has changed.
func (h *Host) Reload(ctx context.Context, o Options) error {
	h.reload.Lock()
	defer h.reload.Unlock()
	if h.closing.Load() {
		return errors.New("the host is closing")
	}
	old, next := h.config.Load().Options, o.withDefaults()
	for _, c := range []struct {
		name string
		same bool
	}{
		{"PingInterval", old.PingInterval == next.PingInterval},
		{"PongTimeout", old.PongTimeout == next.PongTimeout},
		{"MessageTimeout", old.MessageTimeout == next.MessageTimeout},
		{"CloseTimeout", old.CloseTimeout == next.CloseTimeout},
		{"Node", old.Node == next.Node},
		{"Broker", old.Broker == next.Broker},
		{"StateDir", old.StateDir == next.StateDir},
		{"MaxConnections", old.MaxConnections == next.MaxConnections},
		{"MaxConnectionsPerAddress", old.MaxConnectionsPerAddress == next.MaxConnectionsPerAddress},
	} {
		if !c.same {
			return fmt.Errorf("%s has changed: %w", c.name, ErrRestart)
		}
	}
	return h.apply(ctx, o)
}

// apply makes o the options in force. Everything that can fail comes first.
func (h *Host) apply(ctx context.Context, o Options) error {
	o = o.withDefaults()
	cfg, err := newConfig(o)
	errs := []error{err, checkRoutes(o.Routes)}
	for _, r := range o.Routes {
		if rt := h.runtime(r.Path); rt != nil {
			errs = append(errs, rt.stays(r))
		}
		if r.Store == StoreShared && o.Broker.URL == "" {
			errs = append(errs, fmt.Errorf("route %s: a shared store needs a broker: set Broker.URL (broker: redis://…), or store: memory", r.Path))
		}
	}
	sets, err := h.prepare(ctx, o)
	errs = append(errs, err)
	if cfg != nil {
		cfg.auth, err = h.newVerifier(o)
		errs = append(errs, err)
	}
	var w *rollout.Watcher
	if err = errors.Join(errs...); err == nil {
		w, err = h.newWatcher(o)
	}
	if err != nil {
		if cfg != nil {
			h.dropVerifier(cfg.auth)
		}
		return errors.Join(err, h.discard(sets))
	}
	kept := slices.DeleteFunc(slices.Clone(sets), func(s *settings) bool { return !s.live })
	h.install(cfg, sets)
	h.pruneState(o)
	h.replaceWatcher(w)
	h.refresh(ctx, kept)
	return nil
}

// stays says whether what a channel is made of is as it was: other options of a route can
// change while the host runs.
func (rt *routeRuntime) stays(r Route) error {
	var errs []error
	for _, c := range []struct {
		name string
		same bool
	}{
		{"PresenceGrace", rt.grace == presenceGrace(r)},
		{"Store", rt.store.IsShared() == (rt.host.sharedStore(r) != nil)},
		{"History or Limits.HistoryBytes", rt.history == historyOptions(r)},
	} {
		if !c.same {
			errs = append(errs, fmt.Errorf("route %s: %s has changed: %w", r.Path, c.name, ErrRestart))
		}
	}
	return errors.Join(errs...)
}

// refresh loads the files of routes that stay as they are, as they may have
// changed. Like any new version, one that fails leaves the one that runs.
func (h *Host) refresh(ctx context.Context, kept []*settings) {
	for _, s := range kept {
		if s.rollout != nil {
			s.loadFile(ctx)
		}
	}
}

// checkRoutes finds everything that is wrong with routes without loading them.
func checkRoutes(routes []Route) error {
	var errs []error
	mux, seen := http.NewServeMux(), map[string]string{}
	for _, r := range routes {
		if err := r.validate(); err != nil {
			errs = append(errs, err)
		} else if err := routepath.Handle(mux, seen, r.Path, http.NotFoundHandler()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// prepare makes the settings of all routes that have nothing wrong, in
// parallel. Plugins of routes that stay as they are, are kept.
func (h *Host) prepare(ctx context.Context, o Options) ([]*settings, error) {
	sets := make([]*settings, len(o.Routes))
	errs := make([]error, len(o.Routes))
	var wait sync.WaitGroup
	slots := make(chan struct{}, runtime.GOMAXPROCS(0))
	for i, r := range o.Routes {
		if r.validate() != nil {
			continue
		}
		if rt := h.runtime(r.Path); rt != nil {
			if s := rt.settings.Load(); sameRoute(s.route, r) {
				sets[i] = s
				continue
			}
		}
		wait.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			if sets[i], errs[i] = h.newSettings(ctx, o, r); errs[i] != nil {
				errs[i] = fmt.Errorf("route %s: %w", r.Path, errs[i])
			}
		})
	}
	wait.Wait()
	return sets, errors.Join(errs...)
}

// discard frees settings that are not in use.
func (h *Host) discard(sets []*settings) (err error) {
	for _, s := range sets {
		if s != nil && !s.live {
			err = errors.Join(err, s.close())
		}
	}
	return err
}

func sameRoute(a, b Route) bool {
	if t := reflect.TypeOf(a.Channel); t != nil && !t.Comparable() || a.Channel != b.Channel {
		return false
	}
	a.Channel, b.Channel = nil, nil
	return reflect.DeepEqual(a, b)
}

func (h *Host) newSettings(ctx context.Context, o Options, r Route) (*settings, error) {
	l := r.Limits
	s := &settings{
		route: r, limits: l, name: r.pluginName(),
		sock: socket.Options{
			MaxMessage: l.MaxMessage, MaxQueue: l.MaxQueue, MessageRate: l.MessagesPerSecond, MessageBurst: l.MessageBurst,
			DropOldest: r.SlowReader == SlowDropOldest, Subprotocols: r.Subprotocols,
		},
	}
	if s.rt = h.runtime(r.Path); s.rt == nil {
		s.rt = newRouteRuntime(h, s)
	}
	if r.Plugin == "" {
		s.logic = newChannelLogic(r.Channel)
		return s, nil
	}
	config, err := r.configJSON()
	if err != nil {
		return nil, err
	}
	var module wasm.Limits
	fields.Copy(&module, l.Module)
	s.plugin, err = plugin.New(plugin.Options{
		Mode: plugin.Mode(r.Instances), Metering: plugin.Metering(r.Metering),
		Deadline: l.Deadline, Fuel: l.Fuel, Scan: module, MemoryLimit: l.Memory, MaxModule: l.MaxModule, Allow: r.Allow,
		Config: config, CacheDir: o.CacheDir,
		Log:      h.log.With("route", r.Path, "plugin", s.name),
		GuestLog: s.rt.guestLog,
		CPUSlots: h.cpuSlots,
		Observer: h.metrics.hooks(r.Path, s.name),
		NewEnv:   s.loadEnv,
	})
	if err != nil {
		return nil, err
	}
	s.logic = s.plugin
	s.rollout = h.newRollout(s)
	err = s.rollout.Load(ctx)
	if err != nil && h.mux.Load() == nil { // the host starts, and no version runs
		err = s.rollout.LoadLastGood(ctx, err)
	}
	if err != nil {
		return nil, errors.Join(err, s.close())
	}
	return s, nil
}

func (s *settings) close() error {
	if s.plugin == nil {
		return nil
	}
	return s.plugin.Close(context.Background())
}

func (h *Host) runtime(path string) *routeRuntime {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, rt := range h.routes {
		if rt.pattern == path {
			return rt
		}
	}
	return nil
}

// install puts prepared settings in force. It can not fail.
func (h *Host) install(cfg *config, sets []*settings) {
	mux, seen := http.NewServeMux(), map[string]string{}
	var routes []*routeRuntime
	var unused []*settings
	for _, s := range sets {
		rt := s.rt
		s.goLive()
		if h.runtime(s.route.Path) == nil {
			h.wait.Go(rt.background)
			if h.broker != nil {
				h.broker.Subscribe(rt.allTopic())
			}
		} else if old := rt.settings.Swap(s); old != s {
			unused = append(unused, old)
			rt.lift("the route has changed")
		}
		routes = append(routes, rt)
		if err := routepath.Handle(mux, seen, s.route.Path, rt); err != nil {
			panic(err) // checked before
		}
	}
	gone := h.runtimes()
	gone = slices.DeleteFunc(gone, func(rt *routeRuntime) bool { return slices.Contains(routes, rt) })
	old := h.config.Swap(cfg)
	h.wait.Go(func() { h.dropVerifier(old.auth) })
	h.mux.Store(mux)
	h.mu.Lock()
	h.routes = routes
	h.mu.Unlock()
	for _, rt := range gone {
		h.wait.Go(func() { h.retire(rt) })
	}
	for _, s := range unused {
		h.wait.Go(func() { h.closeLater(s) })
	}
}

const routeRemoved = "the channel is gone"

// retire ends a route that is no more: its connections are closed, spread as in
// a drain, and when the last has gone its plugin is freed.
func (h *Host) retire(rt *routeRuntime) {
	rt.retired.Store(true)
	rt.appMetrics.Retire()
	newCloseSchedule(rt.connections(), h.config.Load().Drain.spread(), rand.Float64).run(h.ending, func(c *conn) {
		c.closeAfterInput(1001, routeRemoved)
	})
	<-h.limits.Idle(rt)
	close(rt.stop)
	if h.broker != nil {
		h.broker.Unsubscribe(rt.allTopic())
	}
	rt.appMetrics.End()
	h.closeLater(rt.settings.Load())
}

// closeLater frees a plugin when its last hook is done.
func (h *Host) closeLater(s *settings) {
	if err := s.close(); err != nil {
		h.log.Error("close plugin", "plugin", s.name, "err", err)
	}
}

// Check says what is wrong with options, without serving: routes, files, and
// whether each plugin loads and starts.
func Check(ctx context.Context, o Options) error {
	o.Watch, o.StateDir, o.Broker.offline = false, "", true
	if o.Auth != nil {
		a := *o.Auth
		a.offline = true
		o.Auth = &a
	}
	h, err := New(o)
	if err != nil {
		return err
	}
	return h.Close(ctx)
}
