package plugin

import (
	"context"
	"crypto/sha256"
	"fmt"
)

// Load compiles and checks a module, starts its first instance and makes it
// the current version; hooks that run finish on the old one, which is then
// closed. On error the old version stays. It returns the version's id. Loading
// the bytes that are current already changes nothing.
//
// Loads run one after the other. ctx bounds the wait for one, and the wait
// for the hook that runs: with Single, no event starts on the new version
// while one runs on the old.
func (p *Plugin) Load(ctx context.Context, wasm []byte) (version string, err error) {
	if n := int64(len(wasm)); n > p.o.MaxModule {
		return "", fmt.Errorf("plugin: the module has %d bytes, and the limit is %d: build it smaller, or raise the limit", n, p.o.MaxModule)
	}
	select {
	case p.loading <- struct{}{}:
		defer func() { <-p.loading }()
	case <-ctx.Done():
	}
	if err := ctx.Err(); err != nil {
		return "", err
	}
	if p.isClosed() {
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
		p.log.Warn("plugin: "+w, "version", v.id)
	}
	env := p.loadEnv()
	inst, err := v.start(env)
	if err != nil {
		drop(env)
		v.close()
		return "", fmt.Errorf("plugin: %w", err)
	}
	if err := p.swap(ctx, v, inst, env, nil); err != nil {
		drop(env)
		inst.close()
		v.close()
		return "", err
	}
	return v.id, nil
}

// swap makes v the current version, with one instance, and commits what its
// on_load asked for. only, if it is not nil, is the version that it may replace.
func (p *Plugin) swap(ctx context.Context, v *version, inst *instance, env Env, only *version) error {
	s := &p.slots
	if p.o.Mode == Single {
		// Who holds the only slot is alone: nothing runs on the old version.
		s.mu.Lock()
		if s.busy < s.size && !s.closed {
			s.busy++
		} else if err := s.wait(ctx); err != nil {
			return err
		}
		s.mu.Unlock()
		defer func() {
			s.mu.Lock()
			s.release()
			s.mu.Unlock()
		}()
	}
	p.swapping.Lock()
	defer p.swapping.Unlock()
	if only != nil && p.current.Load() != only {
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
	free := p.retire(v)
	s.idle = append(s.idle, inst)
	s.mu.Unlock()
	free()
	return nil
}

// retire puts next, nil for none, in the place of the current version. slots.mu is held. free closes
// what nobody uses, and is called without the lock; if hooks still run on the
// version, the last of them frees it.
func (p *Plugin) retire(next *version) (free func()) {
	s := &p.slots
	v := p.current.Swap(next)
	if next != nil {
		next.retired = false // it may have been current before
	}
	if v == nil {
		return func() {}
	}
	v.trial.Load().end(Superseded)
	unused := s.idle
	s.idle = nil
	v.retired = true
	v.running++ // so that the version outlives its unused instances
	return func() {
		for _, i := range unused {
			i.close()
		}
		s.mu.Lock()
		v.running--
		last := v.running == 0
		s.mu.Unlock()
		if last {
			v.close()
		}
	}
}

// retireAll refuses new events and takes the current version out of use. The
// channel closes when no hook runs anymore.
func (p *Plugin) retireAll() <-chan struct{} {
	s := &p.slots
	drained := make(chan struct{})
	s.mu.Lock()
	s.closed = true
	for len(s.queue) > 0 {
		s.pop().ready <- false
	}
	free := p.retire(nil)
	good := p.good
	p.good = nil
	s.mu.Unlock()
	free()
	p.letGo(good)
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.busy == 0:
		close(drained)
	case s.drained == nil:
		s.drained = drained
	default:
		return s.drained // of another Close
	}
	return drained
}

func (p *Plugin) isClosed() bool {
	p.slots.mu.Lock()
	defer p.slots.mu.Unlock()
	return p.slots.closed
}
