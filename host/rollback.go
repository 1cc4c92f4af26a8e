package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"slices"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/internal/plugin"
)

// A new version of a plugin is on trial for its first plugin.TrialHooks hooks,
// or trialTime if that ends first. With plugin.TrialFaults faults before, the
// version that was good last comes back, and the bad one is refused until
// the file has another content that loads.
const trialTime = 5 * time.Second

// history is what a route knows of the versions of its plugin. It outlives
// settings, as long as the route has a plugin of that name.
type history struct {
	loading chan struct{} // held by the one load that runs
	saving  sync.Mutex    // so that the file has the version that was good last

	mu      sync.Mutex
	runs    *module             // the version that was loaded last
	good    *module             // the version that has passed its trial last; nil: none has
	before  *module             // the one that was good before; nil: none was
	refused [][sha256.Size]byte // versions that were rolled back, the last one behind
}

// maxRefused bounds the versions that a route refuses; each rollback adds one.
const maxRefused = 16

// historyOf gives the history for new settings: the one of the settings that they
// replace, or what outlived the last process.
func (h *Host) historyOf(s *settings) *history {
	if old := s.rt.settings.Load(); old != s && old.history != nil && old.name == s.name {
		return old.history
	}
	past := &history{loading: make(chan struct{}, 1)}
	if m, ok := h.state.read(s.route.Path, s.name, s.limits.MaxModule); ok {
		past.good = &m
	}
	return past
}

// begin waits for the right to load.
func (p *history) begin(ctx context.Context) error {
	select {
	case p.loading <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (p *history) end() { <-p.loading }

func (p *history) lastGood() *module {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.good
}

func (p *history) isGood(m module) bool {
	good := p.lastGood()
	return good != nil && good.sum == m.sum
}

func (p *history) setGood(m module) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.good != nil && p.good.sum != m.sum {
		p.before = p.good
	}
	p.good = &m
}

func (p *history) setRunning(m module) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.runs = &m
}

// back is the version to go back to by hand, and the one that runs: the version
// that was good last, or if that one runs, the one before.
func (p *history) back() (to, from *module) {
	p.mu.Lock()
	defer p.mu.Unlock()
	to = p.good
	if to != nil && p.runs != nil && to.sum == p.runs.sum {
		to = p.before
	}
	return to, p.runs
}

// goneBack makes to the version that was good last; there is none before. It gives
// what was, for restore.
func (p *history) goneBack(to module) (good, before *module) {
	p.mu.Lock()
	defer p.mu.Unlock()
	good, before = p.good, p.before
	p.good, p.before = &to, nil
	return good, before
}

func (p *history) restore(good, before *module) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.good, p.before = good, before
}

// known are the ids of the version that was good last, and of the one that was
// refused last; empty for none.
func (p *history) known() (good, refused string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.good != nil {
		good = plugin.VersionID(p.good.sum)
	}
	if n := len(p.refused); n > 0 {
		refused = plugin.VersionID(p.refused[n-1])
	}
	return good, refused
}

// refuse has a version not be loaded again, beside those that were refused before.
func (p *history) refuse(m module) {
	p.pardon(m)
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = append(p.refused, m.sum)
	p.refused = p.refused[max(0, len(p.refused)-maxRefused):]
}

// pardon has one version be tried again.
func (p *history) pardon(m module) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = slices.DeleteFunc(p.refused, func(sum [sha256.Size]byte) bool { return sum == m.sum })
}

func (p *history) refuses(m module) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Contains(p.refused, m.sum)
}

// forgive has all refused versions be tried again.
func (p *history) forgive() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.refused = nil
}

// try puts the version of settings that are live on trial.
func (h *Host) try(s *settings, m module) {
	t := s.plugin.Trial()
	if t == nil {
		return
	}
	if s.history.isGood(m) { // it ran before
		t.Pass()
		_ = s.plugin.Keep(t) // else another version has come
		return
	}
	h.wait.Go(func() { h.judge(s, t, m) })
}

// judge waits for the verdict about a version, and acts on it.
func (h *Host) judge(s *settings, t *plugin.Trial, m module) {
	for t != nil {
		timer := time.NewTimer(trialTime)
		select {
		case <-t.Done():
		case <-timer.C:
			t.Pass()
		case <-h.ending.Done():
		}
		timer.Stop()
		switch t.Outcome() {
		case plugin.Passed:
			h.keep(s, t, m)
			return
		case plugin.Failed:
			if h.rollBack(s, t, m) {
				return
			}
		default:
			return
		}
		// There is nothing better. It may still turn out to be good.
		select {
		case <-time.After(trialTime):
		case <-h.ending.Done():
			return
		}
		t = s.plugin.Retry(t)
	}
}

// keep has a version be the one to come back to.
func (h *Host) keep(s *settings, t *plugin.Trial, m module) {
	past := s.history
	past.saving.Lock()
	defer past.saving.Unlock()
	if s.plugin.Keep(t) != nil {
		return
	}
	past.setGood(m)
	if h.runtime(s.route.Path) == s.rt {
		h.state.write(s.route.Path, s.name, m.wasm)
	}
	hooks, faults := t.Counts()
	s.rt.log.Debug("plugin version is good", "plugin", s.name, "version", t.Version(), "hooks", hooks, "faults", faults)
}

// rollBack has the last good version replace one that has failed its trial. It
// reports false when the bad one goes on.
func (h *Host) rollBack(s *settings, t *plugin.Trial, m module) bool {
	good := s.history.lastGood()
	if good == nil || good.sum == m.sum {
		return false
	}
	start := time.Now()
	hooks, faults := t.Counts()
	log := s.rt.log.With("plugin", s.name, "from", t.Version(), "hooks", hooks, "faults", faults)
	s.history.refuse(m) // before: a load at this moment must not bring it back
	version, err := s.plugin.Restore(h.ending, t, good.wasm)
	switch {
	case errors.Is(err, plugin.ErrSuperseded), errors.Is(err, plugin.ErrNotLoaded), h.ending.Err() != nil:
		return true // another version has come, or the end
	case err != nil:
		s.history.pardon(m) // it runs, after all
		log.Error("plugin version fails, and the one before does not start", "err", err)
		return false
	}
	s.history.setRunning(*good)
	if t := s.plugin.Trial(); t != nil && t.Version() == version {
		t.Pass()
		_ = s.plugin.Keep(t)
	}
	h.metrics.loads.WithLabelValues(s.route.Path, s.name, loadRolledBack).Inc()
	s.rt.lift("the version before is back")
	log.Error("plugin rolled back: the new version fails, and is not tried again until its file changes",
		"to", version, "took", time.Since(start).Round(time.Millisecond))
	return true
}
