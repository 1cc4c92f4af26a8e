package host

import (
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/store"
)

// loadEnv returns the Env of an on_load. It reads the store without a transaction,
// and begins one in Commit only, so that hooks do not wait for a plugin that starts.
func (s *settings) loadEnv() plugin.Env {
	return &loadCall{&call{rt: s.rt, set: s, hook: abi.OnLoad, outbox: &hub.Outbox{Hub: s.rt.hub}, tx: store.Tx{Deferred: true}}}
}

// loadCall is the call of an on_load. The effects of the first on_load of new
// settings take place when the settings go live, since the reload may still fail.
type loadCall struct{ *call }

// Commit implements plugin.Env. It also flushes the outbox, as on_load has no read
// cycle.
func (l *loadCall) Commit() error {
	if !l.set.live {
		l.set.loaded = l
		return nil
	}
	err := l.call.Commit()
	l.outbox.Flush()
	return err
}

// Drop implements plugin.Env.
func (l *loadCall) Drop() {
	if l.set.loaded != l {
		l.call.Drop()
	}
}

// goLive puts the settings in use.
func (s *settings) goLive() {
	if s.live {
		return
	}
	s.live = true
	if l := s.loaded; l != nil {
		s.loaded = nil
		if err := l.Commit(); err != nil {
			s.rt.log.Error("effects of on_load failed", "plugin", s.name, "err", err)
		}
	}
	if s.rollout != nil {
		s.rollout.Activate()
	}
}
