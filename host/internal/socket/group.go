package socket

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Group is all connections of a host: it looks after their deadlines and
// waits for their goroutines. All methods may be called concurrently.
type Group struct {
	timeouts Timeouts
	fair     *fair
	wait     sync.WaitGroup
	start    time.Time
	clock    atomic.Int64 // nanoseconds since start, as of the last tick, without hold-ups
	looked   int64        // time since start of the last tick; the goroutine of run only
	stop     chan struct{}

	drops [3]atomic.Uint64 // in the order of dropReasons

	broken [6]atomic.Uint64 // in the order of violations

	mu     sync.Mutex
	conns  []*Conn
	closed bool
	empty  chan struct{} // closed when closed and conns is empty
}

var dropReasons = [...]DropReason{DropSlowReader, DropOldest, DropClosed}

// NewGroup makes an empty group. Close ends it.
func NewGroup(o GroupOptions) (*Group, error) {
	g := &Group{
		timeouts: o.Timeouts.WithDefaults(),
		start:    time.Now(),
		stop:     make(chan struct{}),
		empty:    make(chan struct{}),
	}
	g.clock.Store(1) // 0 is no time
	var err error
	if g.fair, err = newFair(&g.wait); err != nil {
		return nil, fmt.Errorf("start the group of connections: %w", err)
	}
	g.wait.Go(g.run)
	return g, nil
}

// now is a coarse clock, cheap enough for every read.
func (g *Group) now() int64 { return g.clock.Load() }

func (g *Group) drop(r DropReason, frames int) {
	for i, d := range dropReasons {
		if d == r {
			g.drops[i].Add(uint64(frames))
		}
	}
}

// Drops counts the frames that did not reach a client, by reason.
func (g *Group) Drops() map[DropReason]uint64 {
	m := make(map[DropReason]uint64, len(dropReasons))
	for i, d := range dropReasons {
		m[d] = g.drops[i].Load()
	}
	return m
}

var violations = [...]Violation{BrokeProtocol, BrokeSize, BrokeUTF8, BrokeControls, BrokeFragments, BrokeMessages}

func (g *Group) broke(v Violation) { g.broken[slices.Index(violations[:], v)].Add(1) }

// Violations counts the connections that were closed as the client broke a rule.
func (g *Group) Violations() map[Violation]uint64 {
	m := make(map[Violation]uint64, len(violations))
	for i, v := range violations {
		m[v] = g.broken[i].Load()
	}
	return m
}

// QueueBytes is how many bytes wait to be written, in all connections.
func (g *Group) QueueBytes() (n int) {
	for _, c := range g.all() {
		n += c.Queued()
	}
	return n
}

func (g *Group) all() []*Conn {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]*Conn(nil), g.conns...)
}

// add makes c known; false: the group is closed.
func (g *Group) add(c *Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	c.at = len(g.conns)
	g.conns = append(g.conns, c)
	return true
}

func (g *Group) remove(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.conns) - 1
	g.conns[c.at] = g.conns[last]
	g.conns[c.at].at = c.at
	g.conns[last] = nil
	g.conns = g.conns[:last]
	if g.closed && last == 0 {
		close(g.empty)
	}
}

// run looks at the deadlines until the group is closed.
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

// tick goes over the connections in pieces, so that nobody waits long for the
// lock. One that moves to a seen place waits for the next tick.
func (g *Group) tick() {
	// While the host was held up (stopped, or out of processor time) no client
	// had a chance: that time does not count.
	real := int64(time.Since(g.start))
	now := g.now() + min(real-g.looked, 2*int64(g.timeouts.tick()))
	g.looked = real
	g.clock.Store(now)
	const piece = 256
	var part [piece]*Conn
	for at := 0; ; at += piece {
		g.mu.Lock()
		n := 0
		if at < len(g.conns) {
			n = copy(part[:], g.conns[at:])
		}
		g.mu.Unlock()
		for _, c := range part[:n] {
			c.checkDeadlines(now)
		}
		if n < piece {
			return
		}
	}
}

var pingFrame = frame.AppendHeader(nil, frame.OpPing, 0)

// checkDeadlines ends what took too long, and pings.
func (c *Conn) checkDeadlines(now int64) {
	t := &c.group.timeouts
	over := func(since int64, d time.Duration) bool { return since != 0 && now-since > int64(d) }
	switch by := c.closeBy.Load(); {
	case by != 0:
		if now > by {
			c.Abort(codeAbnormal, "")
		}
		return
	case over(c.partial.Load(), t.Message):
		c.Close(codePolicy, "message took too long")
		return
	case over(c.pongDue.Load(), t.Pong):
		c.Abort(codeAbnormal, "no pong")
		return
	}
	if t.PingInterval < 0 {
		return
	}
	if c.pingAt == 0 { // spread over the interval, so that no flood of pings goes out at once
		c.pingAt = now + int64(t.PingInterval)/2 + rand.Int64N(int64(t.PingInterval)/2+1)
	}
	if now >= c.pingAt && c.ping(now) {
		c.pingAt = now + int64(t.PingInterval)
	}
}

// ping asks the client for a sign of life, which Timeouts.Pong bounds: input of
// any kind, since it can not answer in the middle of a frame, or that it goes on
// reading what waits before the ping. It returns false where the reader is busy
// with input: the ping would be held back, and the answer not be looked at.
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

// Close closes every connection that is not closing yet, at the end of its
// reader's turn, and waits until all have ended. When ctx is done those that are
// left are aborted. Only the first call counts.
func (g *Group) Close(ctx context.Context, code int, reason string) error {
	g.mu.Lock()
	if g.closed {
		g.mu.Unlock()
		return nil
	}
	g.closed = true
	if len(g.conns) == 0 {
		close(g.empty)
	}
	g.mu.Unlock()
	for _, c := range g.all() {
		c.CloseAfterInput(code, reason)
	}
	var err error
	select {
	case <-g.empty:
	case <-ctx.Done():
		err = fmt.Errorf("close connections: %w", ctx.Err())
		for _, c := range g.all() {
			c.Abort(code, reason)
		}
		<-g.empty
	}
	close(g.stop)
	g.fair.close()
	g.wait.Wait()
	return err
}
