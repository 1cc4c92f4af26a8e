package socket

import (
	"context"
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Group has all connections of a host. It enforces their deadlines and waits for
// their goroutines. All methods may be called concurrently.
type Group struct {
	// constant
	timeouts Timeouts
	yielder  *yielder
	start    time.Time
	stop     chan struct{} // closed by Close

	wait     sync.WaitGroup // all goroutines
	clock    atomic.Int64   // see now
	lastTick int64          // time since start of the last tick; owned by run
	counters counters

	// guarded by mu
	mu     sync.Mutex
	conns  []*Conn
	closed bool          // there are no new connections
	empty  chan struct{} // closed when closed is set and conns is empty
}

// NewGroup returns an empty group, whose goroutines end with Close.
func NewGroup(t Timeouts) (*Group, error) {
	g := &Group{
		timeouts: t.WithDefaults(),
		start:    time.Now(),
		stop:     make(chan struct{}),
		empty:    make(chan struct{}),
	}
	g.clock.Store(1) // 0 means no time
	var err error
	if g.yielder, err = newYielder(&g.wait); err != nil {
		return nil, fmt.Errorf("start the group of connections: %w", err)
	}
	g.wait.Go(g.run)
	return g, nil
}

// QueueBytes returns how many bytes wait to be written, in all connections.
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

// add adds c. It returns false if the group is closed.
func (g *Group) add(c *Conn) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.closed {
		return false
	}
	c.index = len(g.conns)
	g.conns = append(g.conns, c)
	return true
}

func (g *Group) remove(c *Conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	last := len(g.conns) - 1
	g.conns[c.index] = g.conns[last]
	g.conns[c.index].index = c.index
	g.conns[last] = nil
	g.conns = g.conns[:last]
	if g.closed && last == 0 {
		close(g.empty)
	}
}

// Close closes every connection that is not closing yet with CloseAfterInput, and
// waits until all have ended. It aborts those that are left when ctx is done, and
// then returns an error. Only the first call has an effect.
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
			c.abort(code, reason)
		}
		<-g.empty
	}
	close(g.stop)
	g.yielder.close()
	g.wait.Wait()
	return err
}
