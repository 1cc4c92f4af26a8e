package plugin

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync/atomic"
)

// Limits of a trial.
const (
	TrialHooks  = 20 // a trial lasts for this many hooks
	TrialFaults = 3  // a trial fails at this many faults
)

// Outcome is the result of a trial.
type Outcome int32

// Outcomes of a trial.
const (
	Pending    Outcome = iota // the trial runs
	Passed                    // TrialHooks hooks ran, or Pass was called, before TrialFaults faults
	Failed                    // TrialFaults faults occurred first
	Superseded                // another version became current first
)

// Trial evaluates the first hooks of a version. It counts faults; errors that a hook returns do not matter. Its methods
// may be called concurrently.
type Trial struct {
	v       *version
	hooks   atomic.Int32
	faults  atomic.Int32
	outcome atomic.Int32
	done    chan struct{}
}

func newTrial(v *version) *Trial { return &Trial{v: v, done: make(chan struct{})} }

// Version returns the id of the version on trial.
func (t *Trial) Version() string { return t.v.id }

// Done returns a channel that is closed when the trial ends.
func (t *Trial) Done() <-chan struct{} { return t.done }

// Outcome returns the result. It is Pending until the trial ends.
func (t *Trial) Outcome() Outcome { return Outcome(t.outcome.Load()) }

// Pass ends the trial as Passed, if it still runs. The caller uses it to limit the duration of a trial.
func (t *Trial) Pass() { t.end(Passed) }

// Counts returns the number of hooks and of faults so far.
func (t *Trial) Counts() (hooks, faults int) { return int(t.hooks.Load()), int(t.faults.Load()) }

func (t *Trial) end(o Outcome) {
	if t.outcome.CompareAndSwap(int32(Pending), int32(o)) {
		close(t.done)
	}
}

// record counts a hook of the version, which returned err.
func (t *Trial) record(err error) {
	if t.Outcome() != Pending {
		return
	}
	n := t.hooks.Add(1)
	if _, ok := err.(*Fault); ok && t.faults.Add(1) >= TrialFaults {
		t.end(Failed)
	} else if n >= TrialHooks {
		t.end(Passed)
	}
}

// ErrSuperseded is the error of Keep and Restore for a trial whose version is not the current one.
var ErrSuperseded = errors.New("plugin: another version is current")

// Trial returns the trial of the current version, and nil if there is no version.
func (p *Plugin) Trial() *Trial {
	if v := p.current.Load(); v != nil {
		return v.trial.Load()
	}
	return nil
}

// Retry starts a new trial of the version of t. It returns nil if that is not the current version.
func (p *Plugin) Retry(t *Trial) *Trial {
	p.pool.mu.Lock()
	defer p.pool.mu.Unlock()
	if p.current.Load() != t.v {
		return nil
	}
	next := newTrial(t.v)
	t.v.trial.Store(next)
	return next
}

// Keep makes the version of t the one that Restore returns to. The version stays compiled until Keep is called for
// another one. If the version is not the current one, Keep returns ErrSuperseded.
func (p *Plugin) Keep(t *Trial) error {
	s := &p.pool
	s.mu.Lock()
	if s.closed || p.current.Load() != t.v {
		s.mu.Unlock()
		return ErrSuperseded
	}
	old := p.kept
	p.kept = t.v
	t.v.refs++
	s.mu.Unlock()
	p.unref(old)
	return nil
}

// Restore makes the kept version the current one, with a new instance, and returns its id. If no version was kept in
// this Plugin, it compiles module. If the version of t is not the current one, Restore returns ErrSuperseded. Restore
// does not wait for a Load: a Load that runs at the same time replaces the restored version when it ends.
func (p *Plugin) Restore(ctx context.Context, t *Trial, module []byte) (version string, err error) {
	s := &p.pool
	s.mu.Lock()
	v := p.kept
	if v == nil || v == t.v {
		s.mu.Unlock()
		if v, err = p.compile(ctx, module, sha256.Sum256(module)); err != nil {
			return "", fmt.Errorf("plugin: %w", err)
		}
		v.retired = true // until swap, so that unref frees it after an error; no other goroutine has v yet
		s.mu.Lock()
	}
	v.refs++
	s.mu.Unlock()
	defer p.unref(v)
	if err := p.startAndSwap(ctx, v, t.v); err != nil {
		return "", err
	}
	return v.id, nil
}
