package host

import (
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/store"
)

// loadEnv is the Env of on_load. What the first one of new settings asks for
// waits until they are in use: a reload may still fail. It reads the store as it
// is and takes the right to write in Commit only, so that hooks never wait for
// a plugin that is on its way.
func (s *settings) loadEnv() plugin.Env {
	return &loadCall{&call{rt: s.rt, set: s, hook: abi.OnLoad, outbox: &hub.Outbox{Hub: s.rt.hub}, tx: store.Tx{Deferred: true}}}
}

// loadCall flushes what on_load has sent, as no reader's turn does it.
type loadCall struct{ *call }

// Commit implements Env.
func (l *loadCall) Commit() error {
	if !l.set.live {
		l.set.loaded = l
		return nil
	}
	err := l.call.Commit()
	l.outbox.Flush()
	return err
}

// Drop implements Env.
func (l *loadCall) Drop() {
	if l.set.loaded != l {
		l.call.Drop()
	}
}

// goLive says that the settings are in use from now on.
func (s *settings) goLive() {
	if s.live {
		return
	}
	s.live = true
	if l := s.loaded; l != nil {
		s.loaded = nil
		if err := l.Commit(); err != nil {
			s.rt.log.Error("what on_load asked for did not happen", "plugin", s.name, "err", err)
		}
	}
	if s.rollout != nil {
		s.rollout.Activate()
	}
}
