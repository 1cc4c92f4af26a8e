package host

import (
	"context"
	"fmt"

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
	if h.closing.Load() {
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
