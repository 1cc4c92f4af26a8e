package socket

import (
	"cmp"
	"math/rand/v2"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Timeouts are the same for all connections of a Group. Zero values are the
// defaults.
type Timeouts struct {
	PingInterval time.Duration // between pings. 0: 25 s. Negative: no pings.
	Pong         time.Duration // for a sign of life after a ping. 0: 8 s.
	Message      time.Duration // for the rest of an incomplete message. 0: 30 s.
	Close        time.Duration // for the closing handshake. 0: 5 s.
}

// WithDefaults returns t with its zero fields set.
func (t Timeouts) WithDefaults() Timeouts {
	t.PingInterval = cmp.Or(t.PingInterval, 25*time.Second)
	t.Pong = cmp.Or(t.Pong, 8*time.Second)
	t.Message = cmp.Or(t.Message, 30*time.Second)
	t.Close = cmp.Or(t.Close, 5*time.Second)
	return t
}

// tick returns the interval at which deadlines are checked: a fraction of the
// shortest of them, and at most a second.
func (t Timeouts) tick() time.Duration {
	d := min(t.Pong, t.Message, t.Close, 4*time.Second)
	if t.PingInterval > 0 {
		d = min(d, t.PingInterval)
	}
	return max(d/4, 5*time.Millisecond)
}

// now returns the time of the last tick, in nanoseconds since the start of the
// group. It is cheap enough for every read. It leaves out the time during which
// the host was suspended or had no processor time, since it read no input of
// clients then.
func (g *Group) now() int64 { return g.clock.Load() }

// run checks the deadlines until the group is closed.
func (g *Group) run() {
	t := time.NewTicker(g.timeouts.tick())
	defer t.Stop()
	for {
		select {
		case <-t.C:
			g.tick()
		case <-g.stop:
			return
		}
	}
}

// tick advances the clock and checks the deadlines of all connections. It locks
// mu for a few connections at a time. A connection that moves to an index that
// was passed is checked by the next tick.
func (g *Group) tick() {
	real := int64(time.Since(g.start))
	now := g.now() + min(real-g.lastTick, 2*int64(g.timeouts.tick()))
	g.lastTick = real
	g.clock.Store(now)
	const atOnce = 256
	var part [atOnce]*Conn
	for at := 0; ; at += atOnce {
		g.mu.Lock()
		n := 0
		if at < len(g.conns) {
			n = copy(part[:], g.conns[at:])
		}
		g.mu.Unlock()
		for _, c := range part[:n] {
			c.checkDeadlines(now)
		}
		if n < atOnce {
			return
		}
	}
}

// checkDeadlines closes a connection that has exceeded a deadline, and sends
// pings.
func (c *Conn) checkDeadlines(now int64) {
	t := &c.group.timeouts
	exceeds := func(since int64, d time.Duration) bool { return since != 0 && now-since > int64(d) }
	switch by := c.closeBy.Load(); {
	case by != 0:
		if now > by {
			c.abort(codeAbnormal, "")
		}
		return
	case exceeds(c.partial.Load(), t.Message):
		c.Close(codePolicy, "message took too long")
		return
	case exceeds(c.pongDue.Load(), t.Pong):
		c.abort(codeAbnormal, "no pong")
		return
	}
	if t.PingInterval < 0 {
		return
	}
	if c.pingAt == 0 { // spread over the interval, so that the pings of many clients do not coincide
		c.pingAt = now + int64(t.PingInterval)/2 + rand.Int64N(int64(t.PingInterval)/2+1)
	}
	if now >= c.pingAt && c.ping(now) {
		c.pingAt = now + int64(t.PingInterval)
	}
}

var pingFrame = frame.AppendHeader(nil, frame.OpPing, 0)

// ping sends a ping, after which Timeouts.Pong bounds the time until a sign of
// life. Any input is one, since a client cannot send a pong in the middle of a
// frame, and so is reading what is queued before the ping. ping returns false
// during a read cycle, which would hold back the ping and not see its answer.
func (c *Conn) ping(now int64) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.corked {
		return false
	}
	if c.dead == nil && !c.closing && c.pongDue.Load() == 0 {
		c.pongDue.Store(now)
		c.put(pingFrame)
	}
	return true
}
