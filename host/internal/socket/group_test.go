package socket

import (
	"testing"
	"time"
)

// A host that was suspended for longer than a deadline does not cut off its
// clients.
func TestSuspensionDoesNotCount(t *testing.T) {
	g := &Group{timeouts: Timeouts{}.WithDefaults(), start: time.Now().Add(-time.Hour)}
	g.clock.Store(1)
	c := g.NewConn(&Options{}, false, newHandler())
	g.conns = []*Conn{c}
	c.pongDue.Store(g.now())
	c.partial.Store(g.now())
	closing := func() bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		return c.closing || c.dead != nil
	}
	g.tick()
	if closing() {
		t.Error("the connection was closed for the time of the suspension")
	}
	for range 100 { // time that ticks observe counts
		g.start = g.start.Add(-time.Second)
		g.tick()
	}
	if !closing() {
		t.Error("the connection was never closed")
	}
}
