package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Results of loads, a metric label.
const (
	loadLoaded     = "loaded"
	loadUnchanged  = "unchanged"
	loadFailed     = "failed"
	loadRefused    = "refused"
	loadRolledBack = "rolled_back"
	loadLastGood   = "last_good"
)

func (s *settings) countLoad(result string) {
	s.rt.host.metrics.loads.WithLabelValues(s.route.Path, s.name, result).Inc()
}

// load reads the plugin's file and makes it the current version. Loads of a
// route run one after the other.
func (h *Host) load(ctx context.Context, s *settings) error {
	past := s.history
	if err := past.begin(ctx); err != nil {
		return err
	}
	defer past.end()
	m, err := readModule(s.route.Plugin, s.limits.MaxModule)
	if err == nil && past.refuses(m) {
		return h.refused(ctx, s, m)
	}
	if err == nil {
		var changed bool
		if changed, err = h.loadModule(ctx, s, m); err == nil {
			past.forgive() // the file has changed since
			s.countLoad(map[bool]string{true: loadLoaded, false: loadUnchanged}[changed])
			return nil
		}
		err = fmt.Errorf("%s: %w", s.route.Plugin, err)
	}
	s.countLoad(loadFailed)
	return err
}

// refused is a load of a version that was rolled back. The one that runs stays;
// new settings get the last good one.
func (h *Host) refused(ctx context.Context, s *settings, m module) error {
	s.countLoad(loadRefused)
	s.rt.log.Warn("plugin version refused: it was rolled back, and its file has not changed; Host.Lift has it tried again",
		"plugin", s.name, "version", plugin.VersionID(m.sum), "runs", s.version())
	if s.version() != "" {
		return nil
	}
	return h.loadGood(ctx, s, errors.New("the version was rolled back"))
}

// loadGood loads the last good version, as the file's does not load because of
// the error why. It gives that error where it can not.
func (h *Host) loadGood(ctx context.Context, s *settings, why error) error {
	good := s.history.lastGood()
	if good == nil {
		return why
	}
	if _, err := h.loadModule(ctx, s, *good); err != nil {
		return errors.Join(why, fmt.Errorf("the last good version: %w", err))
	}
	s.countLoad(loadLastGood)
	s.rt.log.Error("PLUGIN NOT LOADED, THE LAST GOOD VERSION RUNS: mend the file", "plugin", s.name, "version", s.version(), "err", why)
	return nil
}

// loadModule makes a module the current version, and says whether it was not
// that already.
func (h *Host) loadModule(ctx context.Context, s *settings, m module) (changed bool, err error) {
	start, was := time.Now(), s.version()
	version, err := s.plugin.Load(ctx, m.wasm)
	if err != nil {
		return false, err
	}
	s.history.setRunning(m)
	if version == was {
		return false, nil
	}
	h.metrics.loadDuration.WithLabelValues(s.route.Path, s.name).Observe(time.Since(start).Seconds())
	s.rt.log.Info("plugin loaded", "plugin", s.name, "version", version, "was", was, "took", time.Since(start).Round(time.Millisecond))
	if s.live {
		s.rt.lift("a new version")
		h.try(s, m)
	} else {
		s.trying = &m
	}
	return true, nil
}
