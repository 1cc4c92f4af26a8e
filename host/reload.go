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

	"github.com/azuhost/azuhost/host/internal/rollout"
	"github.com/azuhost/azuhost/host/internal/routepath"
)

// ErrRestart is the error for a change of options that needs a new host.
var ErrRestart = errors.New("needs a restart")

// Reload puts other options in force. A route that stays keeps its connections, rooms, values and store, also if its
// options change. The connections of a route that is gone are closed with 1001. Plugins of routes that stay are loaded
// again if their files have changed. On an error nothing has changed; it wraps ErrRestart if the options need a new
// host.
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

// apply puts o in force. All that can fail comes first. h.reload is held.
func (h *Host) apply(ctx context.Context, o Options) error {
	o = o.withDefaults()
	cfg, err := newConfig(o)
	errs := []error{err, checkRoutes(o.Routes)}
	for _, r := range o.Routes {
		if rt := h.runtime(r.Path); rt != nil {
			errs = append(errs, rt.checkFixed(r))
		}
		if r.Store == StoreShared && o.Broker.URL == "" {
			errs = append(errs, fmt.Errorf("route %s: a shared store needs a broker: "+
				"set Broker.URL (broker: redis://…), or store: memory", r.Path))
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
	for _, s := range kept {
		if s.rollout != nil {
			s.loadFile(ctx)
		}
	}
	return nil
}

// checkFixed returns an error if r differs from the route that runs in an option that can not change while it runs.
func (rt *routeRuntime) checkFixed(r Route) error {
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

// prepare returns the settings of the valid routes of o, and nil in the place of the others. It loads plugins in
// parallel. A route that has not changed keeps its settings.
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

// discard frees the settings that are not in use.
func (h *Host) discard(sets []*settings) (err error) {
	for _, s := range sets {
		if s != nil && !s.live {
			err = errors.Join(err, s.close())
		}
	}
	return err
}

// sameRoute reports whether two routes have the same options. Channels that can not be compared differ.
func sameRoute(a, b Route) bool {
	if t := reflect.TypeOf(a.Channel); t != nil && !t.Comparable() || a.Channel != b.Channel {
		return false
	}
	a.Channel, b.Channel = nil, nil
	return reflect.DeepEqual(a, b)
}

// install puts prepared settings in force. It can not fail. h.reload is held.
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
			panic(err) // checkRoutes has tried it
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

// routeRemoved is the close reason of connections whose route is gone.
const routeRemoved = "the channel is gone"

// retire ends a route that is gone. It closes its connections, spread over time as in a drain, and frees its plugin
// when the last one has ended.
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

// closeLater frees the plugin of settings that are out of use, when its last hook has ended.
func (h *Host) closeLater(s *settings) {
	if err := s.close(); err != nil {
		s.rt.log.Error("plugin not closed", "plugin", s.name, "err", err)
	}
}
