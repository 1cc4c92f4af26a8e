package scenario

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// memConn is one side of a connection in memory. All its fields are guarded by
// sim.mu.
type memConn struct {
	sim      *simulation
	peer     *memConn
	in       []byte
	waiting  bool // a Read waits for input
	closed   bool
	deadline time.Time // of Read
	expiry   *time.Timer
}

var _ net.Conn = (*memConn)(nil)

// pipe returns the two sides of a connection.
func (s *simulation) pipe() (a, b *memConn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	a, b = &memConn{sim: s}, &memConn{sim: s}
	a.peer, b.peer = b, a
	s.conns[a], s.conns[b] = struct{}{}, struct{}{}
	return a, b
}

// idle reports whether nothing happens on this side until the peer acts.
func (c *memConn) idle() bool { return c.waiting && len(c.in) == 0 && !c.peer.closed }

func (c *memConn) Read(p []byte) (int, error) {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	defer func() { c.waiting = false }()
	for {
		switch {
		case c.closed:
			return 0, net.ErrClosed
		case !c.deadline.IsZero() && !time.Now().Before(c.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(c.in) > 0:
			n := copy(p, c.in)
			c.in = c.in[n:]
			return n, nil
		case c.peer.closed:
			return 0, io.EOF
		}
		if !c.waiting {
			c.waiting = true
			s.changed.Broadcast()
		}
		s.changed.Wait()
	}
}

func (c *memConn) Write(p []byte) (int, error) {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	if c.closed {
		return 0, net.ErrClosed
	}
	if c.peer.closed {
		return 0, io.ErrClosedPipe
	}
	c.peer.in = append(c.peer.in, p...)
	s.writes++
	s.changed.Broadcast()
	return len(p), nil
}

func (c *memConn) Close() error {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	c.closed = true
	delete(s.conns, c)
	if c.expiry != nil {
		c.expiry.Stop()
	}
	s.changed.Broadcast()
	return nil
}

// SetReadDeadline sets a deadline in real time. net/http uses it to end a Read.
func (c *memConn) SetReadDeadline(t time.Time) error {
	s := c.sim
	s.mu.Lock()
	defer s.mu.Unlock()
	c.deadline = t
	if c.expiry != nil {
		c.expiry.Stop()
		c.expiry = nil
	}
	if left := time.Until(t); !t.IsZero() && left > 0 && !c.closed {
		c.expiry = time.AfterFunc(left, func() {
			s.mu.Lock()
			defer s.mu.Unlock()
			s.changed.Broadcast()
		})
	}
	s.changed.Broadcast()
	return nil
}

// WriteNeverBlocks tells the host to write without a separate goroutine. All
// output is then written when the readers and loops of the host wait.
func (c *memConn) WriteNeverBlocks() {}

func (c *memConn) SetDeadline(t time.Time) error    { return c.SetReadDeadline(t) }
func (c *memConn) SetWriteDeadline(time.Time) error { return nil }
func (c *memConn) LocalAddr() net.Addr              { return address{} }
func (c *memConn) RemoteAddr() net.Addr             { return address{} }

// address is the address of every client and of the host. It is reserved for
// documentation (RFC 5737).
type address struct{}

func (address) Network() string { return "tcp" }
func (address) String() string  { return "192.0.2.1:4000" }

// listener accepts the connections that dial makes.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newListener() *listener { return &listener{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return address{} }

// dial connects to the listener. It returns the side of the client.
func (s *simulation) dial(ctx context.Context, l *listener) (*memConn, error) {
	client, server := s.pipe()
	select {
	case l.conns <- server:
		return client, nil
	case <-l.done:
	case <-ctx.Done():
	}
	return nil, errors.Join(net.ErrClosed, client.Close(), server.Close())
}
