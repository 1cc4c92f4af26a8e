package plugin

import (
	"context"
	"fmt"
)

// Run calls a hook for an event. It returns nil when the hook returned 0 (or
// the module does not have it) and the effects are committed, else a
// *HookError, a *Fault, ctx's error or ErrNotLoaded.
//
// ctx bounds the wait for an instance; a hook that runs is bounded by
// Options.Deadline alone. Commit is called while the instance is still held:
// with Single, effects happen in the order of the hooks, and that goes for
// events whose hook the module does not have, too: it costs a wait at most,
// and no guest runs. With Pool such events wait for nobody. on_load is called
// when an instance starts, and not by Run.
func (p *Plugin) Run(ctx context.Context, ev *Event, env Env) error {
	if p.o.Mode == Pool {
		if v := p.current.Load(); v != nil && !v.has(ev.Hook) {
			return env.Commit()
		}
	}
	v, inst, err := p.take(ctx)
	if err != nil {
		return err
	}
	// Deferred, so that a panic of the Env does not keep the slot.
	defer func() { p.put(v, inst) }()
	if !v.has(ev.Hook) {
		return env.Commit()
	}
	if inst == nil {
		env := p.loadEnv()
		inst, err = v.start(env)
		drop(env) // only the first instance of a version commits its on_load
		if err != nil {
			v.trial.Load().note(err)
			return err
		}
	}
	inst.call.takePacedSlot(ctx)
	if Lapsed(ev, env) { // behind the last wait
		inst.call.releaseSlot()
		return env.Commit()
	}
	err = inst.run(ev, env)
	v.trial.Load().note(err)
	if err != nil {
		if _, ok := err.(*Fault); ok {
			inst.close()
			inst = nil
		}
		return err
	}
	return env.Commit()
}

// loadEnv makes the Env of a starting instance, nil where there is none.
func (p *Plugin) loadEnv() Env {
	if p.o.NewEnv == nil {
		return nil
	}
	return p.o.NewEnv()
}

// Close refuses new events, waits for running hooks and for a Load that is
// under way, and frees everything. When ctx ends before that, it returns
// ctx's error, and what still runs is freed when it is done.
func (p *Plugin) Close(ctx context.Context) error {
	drained := p.retireAll()
	select {
	case <-drained: // also when ctx has ended
	default:
		select {
		case <-drained:
		case <-ctx.Done():
			return fmt.Errorf("plugin: hooks still run: %w", ctx.Err())
		}
	}
	select {
	case p.loading <- struct{}{}:
		<-p.loading
	default:
		select {
		case p.loading <- struct{}{}:
			<-p.loading
		case <-ctx.Done():
			return fmt.Errorf("plugin: a load still runs: %w", ctx.Err())
		}
	}
	p.guestLog.flush(p.log)
	return nil
}

// drop ends an Env of loadEnv whose effects do not happen.
func drop(env Env) {
	if env != nil {
		env.Drop()
	}
}
