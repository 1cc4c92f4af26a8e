package plugin

import (
	"context"
	"crypto/sha256"
	"fmt"
)

// Load compiles and validates a module, starts its first instance and makes it the current version. Hooks that run
// finish on the old version, which is then closed. On error the old version stays current. Load returns the id of the
// version. Loading the bytes of the current version changes nothing.
//
// Only one Load runs at a time. ctx limits the wait for another Load and, with Single, the wait for the hook that
// runs: no event starts on the new version while a hook runs on the old one.
func (p *Plugin) Load(ctx context.Context, wasm []byte) (version string, err error) {
	if n := int64(len(wasm)); n > p.options.MaxModule {
		return "", fmt.Errorf("plugin: the module has %d bytes, and the limit is %d: build it smaller, or raise the limit",
			n, p.options.MaxModule)
	}
	select {
	case p.loading <- struct{}{}:
		defer func() { <-p.loading }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if p.pool.isClosed() {
		return "", ErrNotLoaded
	}
	sum := sha256.Sum256(wasm)
	if v := p.current.Load(); v != nil && v.sum == sum {
		return v.id, nil
	}
	v, err := p.compile(ctx, wasm, sum)
	if err != nil {
		return "", fmt.Errorf("plugin: %w", err)
	}
	for _, w := range v.info.Warnings {
		p.log.Warn("plugin has a warning", "version", v.id, "warning", w)
	}
	if err := p.startAndSwap(ctx, v, nil); err != nil {
		v.close()
		return "", err
	}
	return v.id, nil
}

// startAndSwap starts an instance of v and makes v the current version, as swap does.
func (p *Plugin) startAndSwap(ctx context.Context, v *version, replaces *version) error {
	env := p.newLoadEnv()
	inst, err := v.start(env)
	if err != nil {
		dropEnv(env)
		return fmt.Errorf("plugin: %w", err)
	}
	if err := p.swap(ctx, v, inst, env, replaces); err != nil {
		dropEnv(env)
		inst.close()
		return err
	}
	return nil
}

// swap commits the effects of on_load, and makes v the current version with inst as its instance. If replaces is not
// nil and not the current version, swap changes nothing and returns ErrSuperseded.
func (p *Plugin) swap(ctx context.Context, v *version, inst *instance, env Env, replaces *version) error {
	s := &p.pool
	if p.options.Mode == Single {
		// While this call holds the only slot, no hook runs on the old version.
		s.mu.Lock()
		err := s.takeSlotLocked(ctx)
		s.mu.Unlock()
		if err != nil {
			return err
		}
		defer func() {
			s.mu.Lock()
			s.releaseSlotLocked()
			s.mu.Unlock()
		}()
	}
	p.swapping.Lock()
	defer p.swapping.Unlock()
	if replaces != nil && p.current.Load() != replaces {
		return ErrSuperseded
	}
	if env != nil {
		if err := env.Commit(); err != nil {
			return fmt.Errorf("plugin: on_load: %w", err)
		}
	}
	s.mu.Lock()
	if s.closed {
		s.mu.Unlock()
		return ErrNotLoaded
	}
	free := p.replaceCurrentLocked(v)
	s.idle = append(s.idle, inst)
	s.mu.Unlock()
	free()
	return nil
}

// replaceCurrentLocked makes next, which may be nil, the current version and retires the old one. The caller holds
// pool.mu, and calls free after it has released it. free closes the idle instances of the old version, and the version
// itself unless hooks still run on it; then the last of these frees it.
func (p *Plugin) replaceCurrentLocked(next *version) (free func()) {
	s := &p.pool
	old := p.current.Swap(next)
	if next != nil {
		next.retired = false // Restore makes a retired version current again
	}
	if old == nil {
		return func() {}
	}
	old.trial.Load().end(Superseded)
	unused := s.idle
	s.idle = nil
	old.retired = true
	old.refs++ // keeps the code until its idle instances are closed
	return func() {
		for _, i := range unused {
			i.close()
		}
		p.unref(old)
	}
}

// unref releases a reference to a version, and frees the version if it is retired and this was the last reference. v
// may be nil. The caller does not hold pool.mu.
func (p *Plugin) unref(v *version) {
	if v == nil {
		return
	}
	p.pool.mu.Lock()
	v.refs--
	last := v.retired && v.refs == 0
	p.pool.mu.Unlock()
	if last {
		v.close()
	}
}
