package host

import (
	"context"
	"errors"
	"fmt"

	"github.com/azuhost/azuhost/host/abi"
)

// ErrNoVersion says that a route has no other version to go back to, or no plugin.
var ErrNoVersion = errors.New("there is no such version")

// VersionChange says which version of a route's plugin runs, and which did before.
type VersionChange struct {
	Route   string `json:"route"`
	Version string `json:"version"`
	Was     string `json:"was"`
	Changed bool   `json:"changed"`
}

// Load reads the file of a route's plugin, the configured one, and makes what is in
// it the version that runs. A version that was rolled back is tried again. On
// error the version that runs stays. Errors wrap ErrUnknownRoute, and ErrNoVersion
// for a route whose logic is in Go.
func (h *Host) Load(ctx context.Context, route string) (VersionChange, error) {
	return h.change(route, func(s *settings) error {
		s.history.forgive()
		return h.load(ctx, s)
	})
}

// RollBack replaces the version of a route's plugin by the one that was good before:
// has passed its trial. There is one such version at most. The one that is replaced
// is not loaded again until its file has another content, or Load or Lift say so.
// Errors wrap ErrUnknownRoute and ErrNoVersion.
func (h *Host) RollBack(ctx context.Context, route string) (VersionChange, error) {
	return h.change(route, func(s *settings) error { return h.rollBackByHand(ctx, s) })
}

// change has f change the version of a route's plugin. Nothing else changes
// what is configured meanwhile.
func (h *Host) change(route string, f func(*settings) error) (VersionChange, error) {
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
	if s.plugin == nil {
		return VersionChange{}, fmt.Errorf("route %s: its logic is not a plugin: %w", route, ErrNoVersion)
	}
	was := s.version()
	if err := f(s); err != nil {
		return VersionChange{}, fmt.Errorf("route %s: %w", route, err)
	}
	return VersionChange{Route: route, Version: s.version(), Was: was, Changed: s.version() != was}, nil
}

func (h *Host) rollBackByHand(ctx context.Context, s *settings) error {
	past := s.history
	if err := past.begin(ctx); err != nil {
		return err
	}
	defer past.end()
	to, from := past.back()
	if to == nil {
		return fmt.Errorf("no version before %s has passed its trial: %w", s.version(), ErrNoVersion)
	}
	past.saving.Lock()
	defer past.saving.Unlock()
	good, before := past.goneBack(*to)
	if _, err := h.loadModule(ctx, s, *to); err != nil {
		past.restore(good, before)
		return err
	}
	past.pardon(*to)
	if from != nil {
		past.refuse(*from)
	}
	h.state.write(s.route.Path, s.name, to.wasm)
	s.countLoad(loadRolledBack)
	s.rt.log.Warn("plugin rolled back by hand: the version is not loaded again until its file changes", "plugin", s.name, "to", s.version())
	return nil
}
