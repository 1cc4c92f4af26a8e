package host

import (
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// loadEnv is the Env of on_load. Before the route is served what the hook sends
// reaches nobody; its timers and what it stores are there when it is.
func (s *settings) loadEnv() plugin.Env {
	return &loadCall{&call{ch: s.ch, set: s, hook: abi.OnLoad, turn: &hub.Turn{Hub: s.ch.hub}}}
}

// loadCall flushes what on_load has sent, as no reader's turn does it.
type loadCall struct{ *call }

// Commit implements Env.
func (l *loadCall) Commit() {
	l.call.Commit()
	l.turn.Flush()
}
