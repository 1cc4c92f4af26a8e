package socket

import (
	"testing"
	"time"
)

// A host that was held up for longer than a deadline does not cut its clients.
func TestHoldUpsDoNotCount(t *testing.T) {
	g := &Group{timeouts: Timeouts{}.WithDefaults(), start: time.Now().Add(-time.Hour)}
	g.clock.Store(1)
	c := g.NewConn(&Options{}, newHandler())
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
		t.Error("the connection was closed although nobody has looked after it")
	}
	for range 100 { // the time passes all the same, when it is looked at
		g.start = g.start.Add(-time.Second)
		g.tick()
	}
	if !closing() {
		t.Error("the connection was never closed")
	}
}
