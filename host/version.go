package host

import (
	"context"
	"fmt"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/rollout"
)

// ErrNoVersion is the error for a route that has no plugin, or no earlier version to roll back to.
var ErrNoVersion = rollout.ErrNoVersion

// VersionChange describes a change of the version of a route's plugin.
type VersionChange struct {
	Route   string `json:"route"`
	Version string `json:"version"` // the one that runs
	Was     string `json:"was"`     // the one that ran before
	Changed bool   `json:"changed"`
}

// Load reads the configured file of a route's plugin and runs its content. It also loads a version that was rolled
// back. On an error the version that runs stays. Errors wrap ErrUnknownRoute, and ErrNoVersion for a route whose logic
// is in Go.
func (h *Host) Load(ctx context.Context, route string) (VersionChange, error) {
	return h.changeVersion(route, func(c *rollout.Controller) error {
		c.History.Lift()
		return c.Load(ctx)
	})
}

// LoadResult is the outcome of Load for one route.
type LoadResult struct {
	Route  string
	Change VersionChange // if Err is nil
	Err    error
}

// LoadAll calls Load for each route that has a plugin, in the order of the options. An error of one does not stop the
// others.
func (h *Host) LoadAll(ctx context.Context) []LoadResult {
	var results []LoadResult
	for _, rt := range h.runtimes() {
		if rt.settings.Load().plugin == nil {
			continue
		}
		change, err := h.Load(ctx, rt.pattern)
		results = append(results, LoadResult{Route: rt.pattern, Change: change, Err: err})
	}
	return results
}

// RollBack replaces the version of a route's plugin by the last good one, which has passed its trial, or that one by
// the last good version before it. It goes one step back. The replaced version is not loaded again until its file has
// another content, or Load or Lift is called. Errors wrap ErrUnknownRoute and ErrNoVersion.
func (h *Host) RollBack(ctx context.Context, route string) (VersionChange, error) {
	return h.changeVersion(route, func(c *rollout.Controller) error { return c.RollBack(ctx) })
}

// changeVersion calls change for the plugin of a route. It holds reload, so that the options stay meanwhile.
func (h *Host) changeVersion(route string, change func(*rollout.Controller) error) (VersionChange, error) {
	h.reload.Lock()
	defer h.reload.Unlock()
	rt, err := h.route(route)
	if err != nil {
		return VersionChange{}, err
	}
	if h.closed.Load() {
		return VersionChange{}, fmt.Errorf("the host is closing: %w", abi.Unavailable)
	}
	s := rt.settings.Load()
	if s.rollout == nil {
		return VersionChange{}, fmt.Errorf("route %s: its logic is not a plugin: %w", route, ErrNoVersion)
	}
	was := s.version()
	if err := change(s.rollout); err != nil {
		return VersionChange{}, fmt.Errorf("route %s: %w", route, err)
	}
	return VersionChange{Route: route, Version: s.version(), Was: was, Changed: s.version() != was}, nil
}

// version returns the id of the plugin's version that runs. It is empty for logic in Go.
func (s *settings) version() string {
	if s.plugin == nil {
		return ""
	}
	return s.plugin.Version()
}

// Results of loads: values of a label of azuhost_plugin_loads_total.
const (
	loadLoaded     = "loaded"
	loadUnchanged  = "unchanged"
	loadFailed     = "failed"
	loadRefused    = "refused"
	loadRolledBack = "rolled_back"
	loadLastGood   = "last_good"
)

// loadResults lists all results of loads.
var loadResults = []string{loadLoaded, loadUnchanged, loadFailed, loadRefused, loadRolledBack, loadLastGood}

// newRollout returns the Controller of the versions of s.plugin.
func (h *Host) newRollout(s *settings) *rollout.Controller {
	return rollout.NewController(rollout.Options{
		Plugin:  s.plugin,
		History: h.versionHistory(s),
		File:    s.route.Plugin,
		Limit:   s.limits.MaxModule,
		Save: func(m rollout.Module) {
			if h.runtime(s.route.Path) == s.rt { // else the route is gone, and its file with it
				h.state.Write(s.route.stateKey(), m)
			}
		},
		Go:     func(f func(context.Context)) { h.wait.Go(func() { f(h.ending) }) },
		Report: s.versionEvent,
	})
}

// versionHistory returns the History of the settings that s replaces, if they have the same plugin. Otherwise it
// returns a new one, which begins with the version that State has.
func (h *Host) versionHistory(s *settings) *rollout.History {
	if old := s.rt.settings.Load(); old != s && old.rollout != nil && old.name == s.name {
		return old.rollout.History
	}
	if m, ok := h.state.Read(s.route.stateKey(), s.limits.MaxModule); ok {
		return rollout.NewHistory(&m)
	}
	return rollout.NewHistory(nil)
}

func (r Route) stateKey() rollout.Key { return rollout.Key{Route: r.Path, Plugin: r.pluginName()} }

// pruneState removes the stored versions of routes that o does not have.
func (h *Host) pruneState(o Options) {
	var keys []rollout.Key
	for _, r := range o.Routes {
		if r.Plugin != "" {
			keys = append(keys, r.stateKey())
		}
	}
	h.state.Prune(keys)
}

// versionEvent logs and counts an event of the plugin's versions. It ends a quarantine when another version runs.
func (s *settings) versionEvent(e rollout.Event) {
	log := s.rt.log.With("plugin", s.name)
	switch took := e.Took.Round(time.Millisecond); e.Kind {
	case rollout.Installed:
		s.rt.host.metrics.loadDuration.WithLabelValues(s.route.Path, s.name).Observe(e.Took.Seconds())
		log.Info("plugin loaded", "version", e.Version, "was", e.From, "took", took)
		if s.live {
			s.rt.lift("a new version")
		}
	case rollout.Loaded:
		s.countLoad(loadLoaded)
	case rollout.Unchanged:
		s.countLoad(loadUnchanged)
	case rollout.LoadFailed:
		s.countLoad(loadFailed)
	case rollout.Refused:
		s.countLoad(loadRefused)
		log.Warn("plugin version refused: it was rolled back, and its file has not changed",
			"version", e.Version, "runs", s.version(), "lift", "change the file, or call Host.Lift")
	case rollout.LastGoodLoaded:
		s.countLoad(loadLastGood)
		log.Error("plugin not loaded, the last good version runs: fix the file", "version", e.Version, "err", e.Err)
	case rollout.Passed:
		log.Debug("plugin version is good", "version", e.Version, "hooks", e.Hooks, "faults", e.Faults)
	case rollout.RolledBack:
		s.countLoad(loadRolledBack)
		s.rt.lift("the version before is back")
		log.Error("plugin rolled back: the new version fails, and is not loaded again until its file changes",
			"version", e.Version, "was", e.From, "hooks", e.Hooks, "faults", e.Faults, "took", took)
	case rollout.RollbackFailed:
		log.Error("plugin version fails, and the last good version does not start",
			"version", e.From, "hooks", e.Hooks, "faults", e.Faults, "err", e.Err)
	case rollout.Reverted:
		s.countLoad(loadRolledBack)
		log.Warn("plugin rolled back by an operator: the replaced version is not loaded again until its file changes",
			"version", e.Version)
	}
}

func (s *settings) countLoad(result string) {
	s.rt.host.metrics.loads.WithLabelValues(s.route.Path, s.name, result).Inc()
}

// loadFile loads the file of a plugin that runs, because it may have changed. On an error, which it logs, the current
// version stays.
func (s *settings) loadFile(ctx context.Context) {
	if err := s.rollout.Load(ctx); err != nil {
		s.rt.log.Error("plugin not loaded, the old version stays", "plugin", s.name, "version", s.version(), "err", err)
	}
}

// newWatcher returns a Watcher of the plugins of o. It returns nil if o asks for none.
func (h *Host) newWatcher(o Options) (*rollout.Watcher, error) {
	if !o.Watch {
		return nil, nil
	}
	var files []rollout.File
	for _, r := range o.Routes {
		if r.Plugin == "" {
			continue
		}
		files = append(files, rollout.File{Path: r.Plugin, Limit: r.Limits.MaxModule, Changed: func(ctx context.Context) {
			rt := h.runtime(r.Path)
			if rt == nil {
				return
			}
			if s := rt.settings.Load(); s.rollout != nil {
				s.loadFile(ctx)
			}
		}})
	}
	return rollout.NewWatcher(h.log, files)
}

// replaceWatcher closes the Watcher that runs and starts w. nil stands for none. reload is held.
func (h *Host) replaceWatcher(w *rollout.Watcher) {
	if h.watcher != nil {
		h.watcher.Close()
	}
	if h.watcher = w; w != nil {
		w.Start()
	}
}
