package plugin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
)

// What a new version has to stand before it is trusted.
const (
	// TrialHooks is how many hooks a trial lasts.
	TrialHooks = 20
	// TrialFaults is how many faults within it are too many.
	TrialFaults = 3
)

// Verdict is how a trial went.
type Verdict int32

// Verdicts.
const (
	Pending    Verdict = iota
	Passed             // TrialHooks hooks, or Pass, came before TrialFaults faults
	Failed             // TrialFaults faults came first
	Superseded         // another version came before either
)

// Trial judges the first hooks of a version. Faults count, errors that a hook
// returns do not. Its methods may be called concurrently.
type Trial struct {
	v       *version
	hooks   atomic.Int32
	faults  atomic.Int32
	verdict atomic.Int32
	over    chan struct{}
}

func newTrial(v *version) *Trial { return &Trial{v: v, over: make(chan struct{})} }

// Version is the id of the version that is tried.
func (t *Trial) Version() string { return t.v.id }

// Done is closed when there is a verdict.
func (t *Trial) Done() <-chan struct{} { return t.over }

// Verdict is Pending until Done is closed.
func (t *Trial) Verdict() Verdict { return Verdict(t.verdict.Load()) }

// Pass ends a trial that has lasted long enough.
func (t *Trial) Pass() { t.end(Passed) }

// Counts are the hooks and the faults so far.
func (t *Trial) Counts() (hooks, faults int) { return int(t.hooks.Load()), int(t.faults.Load()) }

func (t *Trial) end(v Verdict) {
	if t.verdict.CompareAndSwap(int32(Pending), int32(v)) {
		close(t.over)
	}
}

// note counts a hook of the version that has run.
func (t *Trial) note(err error) {
	if t.Verdict() != Pending {
		return
	}
	n := t.hooks.Add(1)
	if _, ok := err.(*Fault); ok && t.faults.Add(1) >= TrialFaults {
		t.end(Failed)
	} else if n >= TrialHooks {
		t.end(Passed)
	}
}

// ErrSuperseded is what Restore and Keep return when the version that they are
// about is not the current one anymore.
var ErrSuperseded = errors.New("plugin: another version runs by now")

// Trial is that of the current version, nil while there is none.
func (p *Plugin) Trial() *Trial {
	if v := p.current.Load(); v != nil {
		return v.trial.Load()
	}
	return nil
}

// Retry starts the trial of a version anew, if it is still the current one;
// else it returns nil.
func (p *Plugin) Retry(t *Trial) *Trial {
	p.slots.mu.Lock()
	defer p.slots.mu.Unlock()
	if p.current.Load() != t.v {
		return nil
	}
	next := newTrial(t.v)
	t.v.trial.Store(next)
	return next
}

// Keep has the version of t, if it is the current one, be the one that Restore
// goes back to. Until another is kept its code stays compiled.
func (p *Plugin) Keep(t *Trial) error {
	s := &p.slots
	s.mu.Lock()
	if s.closed || p.current.Load() != t.v {
		s.mu.Unlock()
		return ErrSuperseded
	}
	old := p.good
	p.good = t.v
	t.v.running++
	s.mu.Unlock()
	p.letGo(old)
	return nil
}

// letGo takes back a hold on a version (its running), and frees it if that
// was the last one. v may be nil.
func (p *Plugin) letGo(v *version) {
	if v == nil {
		return
	}
	p.slots.mu.Lock()
	v.running--
	last := v.retired && v.running == 0
	p.slots.mu.Unlock()
	if last {
		v.close()
	}
}

// Restore replaces the version of t, if it is still the current one, by the
// version that was kept, with a new instance. Where none was kept in this
// Plugin it loads module. It waits for no Load: one that is under way replaces
// what was restored when it is done.
func (p *Plugin) Restore(ctx context.Context, t *Trial, module []byte) (version string, err error) {
	s := &p.slots
	s.mu.Lock()
	v := p.good
	if v == nil || v == t.v {
		s.mu.Unlock()
		if v, err = p.compile(ctx, module, sha256.Sum256(module)); err != nil {
			return "", fmt.Errorf("plugin: %w", err)
		}
		v.retired = true // nobody sees it before swap
		s.mu.Lock()
	}
	v.running++
	s.mu.Unlock()
	defer p.letGo(v)
	env := p.loadEnv()
	inst, err := v.start(env)
	if err != nil {
		drop(env)
		return "", fmt.Errorf("plugin: %w", err)
	}
	if err := p.swap(ctx, v, inst, env, t.v); err != nil {
		drop(env)
		inst.close()
		return "", err
	}
	return v.id, nil
}
