package plugin

import (
	"context"
	"fmt"
)

// Run calls the hook of an event. It returns nil when the hook returned 0, or the module does not have the hook, and
// the effects are committed. Otherwise it returns a *HookError, a *Fault, the error of ctx or of Commit, or
// ErrNotLoaded.
//
// ctx limits the wait for an instance. Options.Deadline alone limits a hook that runs.
//
// Run calls Commit while it holds the instance. With Single, effects therefore take place in the order of the hooks.
// This includes events whose hook the module does not have: they wait for the instance, and run no guest code. With
// Pool such events do not wait. Run does not call on_load, which runs when an instance starts.
func (p *Plugin) Run(ctx context.Context, ev *Event, env Env) error {
	if p.options.Mode == Pool {
		if v := p.current.Load(); v != nil && !v.has(ev.Hook) {
			return env.Commit()
		}
	}
	v, inst, err := p.acquire(ctx)
	if err != nil {
		return err
	}
	// Deferred, so that a panic of the Env does not keep the slot.
	defer func() { p.release(v, inst) }()
	if !v.has(ev.Hook) {
		return env.Commit()
	}
	if inst == nil {
		env := p.newLoadEnv()
		inst, err = v.start(env)
		dropEnv(env) // only the first instance of a version commits the effects of its on_load
		if err != nil {
			v.trial.Load().record(err)
			return err
		}
	}
	inst.call.takePacedSlot(ctx)
	if Expired(ev, env) { // after the last wait
		inst.call.releaseSlot()
		return env.Commit()
	}
	err = inst.run(ev, env)
	v.trial.Load().record(err)
	if err != nil {
		if _, ok := err.(*Fault); ok {
			inst.close()
			inst = nil
		}
		return err
	}
	return env.Commit()
}

// newLoadEnv returns the Env for the start of an instance. It is nil without Options.NewEnv.
func (p *Plugin) newLoadEnv() Env {
	if p.options.NewEnv == nil {
		return nil
	}
	return p.options.NewEnv()
}

// dropEnv drops the effects of an Env of newLoadEnv.
func dropEnv(env Env) {
	if env != nil {
		env.Drop()
	}
}

// Close refuses new events, waits for running hooks and for a running Load, and frees all memory. If ctx ends earlier,
// Close returns an error that wraps the one of ctx; what still runs is freed when it ends.
func (p *Plugin) Close(ctx context.Context) error {
	drained := p.unloadAll()
	select {
	case <-drained: // even if ctx has ended
	default:
		select {
		case <-drained:
		case <-ctx.Done():
			return fmt.Errorf("plugin: hooks still run: %w", ctx.Err())
		}
	}
	select {
	case p.loading <- struct{}{}: // even if ctx has ended
	default:
		select {
		case p.loading <- struct{}{}:
		case <-ctx.Done():
			return fmt.Errorf("plugin: a load still runs: %w", ctx.Err())
		}
	}
	<-p.loading
	p.guestLog.reportDropped(p.log)
	return nil
}

// unloadAll refuses new events, and retires the current and the kept version. The returned channel is closed when no
// hook runs.
func (p *Plugin) unloadAll() <-chan struct{} {
	s := &p.pool
	s.mu.Lock()
	s.closeLocked()
	free := p.replaceCurrentLocked(nil)
	kept := p.kept
	p.kept = nil
	s.mu.Unlock()
	free()
	p.unref(kept)
	s.mu.Lock()
	defer s.mu.Unlock()
	drained := s.drained // of an earlier Close
	if drained == nil {
		drained = make(chan struct{})
		if s.busy == 0 {
			close(drained)
		} else {
			s.drained = drained
		}
	}
	return drained
}
