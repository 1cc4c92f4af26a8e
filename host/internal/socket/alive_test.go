package socket

import (
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// pinged makes a connection without a socket at the time when it is pinged, on
// a clock that is moved by hand. look looks at the deadlines after d more.
func pinged(t *testing.T) (c *Conn, look func(d time.Duration)) {
	t.Helper()
	g := &Group{timeouts: Timeouts{PingInterval: time.Minute, Message: time.Hour}.WithDefaults()}
	g.clock.Store(1)
	c = g.NewConn(&Options{}, newHandler())
	look = func(d time.Duration) {
		g.clock.Add(int64(d))
		c.checkDeadlines(g.now())
	}
	look(0)
	look(time.Minute)
	if c.Queued() != len(pingFrame) {
		t.Fatal("the connection was not pinged")
	}
	return c, look
}

// A client can not answer a ping in the middle of a frame: that more of the
// frame comes is enough.
func TestInputIsASignOfLife(t *testing.T) {
	c, look := pinged(t)
	for _, b := range masked(text, "a slow upload") {
		look(c.group.timeouts.Pong * 3 / 4)
		c.rest = []byte{b}
		c.beginTurn()
		c.endTurn()
	}
	if c.dead != nil {
		t.Fatal("a client that sends was cut")
	}
	look(time.Minute)
	look(c.group.timeouts.Pong + 1)
	if c.dead == nil {
		t.Error("a client that says nothing was not cut")
	}
}

// While the reader is in a handler nothing that the client sends is seen, and no
// ping would go out.
func TestNoPingWhileAHandlerRuns(t *testing.T) {
	c, look := pinged(t)
	c.rest = masked(text, "work")
	c.beginTurn()
	for range 10 {
		look(time.Minute)
	}
	if c.dead != nil || c.Queued() != len(pingFrame) {
		t.Fatalf("in a handler: %v, and %d bytes wait, want the one ping of before", c.dead, c.Queued())
	}
	c.endTurn()
	look(0)
	if c.Queued() != 2*len(pingFrame) {
		t.Fatal("no ping after the handler")
	}
	look(c.group.timeouts.Pong)
	if c.dead != nil {
		t.Error("the time of the ping began before it")
	}
	look(1)
	if c.dead == nil {
		t.Error("a client that says nothing was not cut")
	}
}

// A client that reads what waits before the ping lives, however long it takes.
func TestReadingIsASignOfLife(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{small: true, timeouts: Timeouts{PingInterval: -1, Pong: time.Hour, Close: time.Millisecond}})
		c, h := s.dial(t)
		asked := func() {
			h.conn.mu.Lock()
			defer h.conn.mu.Unlock()
			h.conn.pongDue.Store(1)
		}
		asked()
		if way == "tcp" { // what there was room for says nothing about the client
			for range 5 {
				h.conn.Deliver(frame.Append(nil, abi.Text, []byte("small")))
			}
			if h.conn.pongDue.Load() != 1 {
				t.Error("a write to a socket that has room was taken for a sign of life")
			}
			for range 5 {
				c.want(frame.OpText, "small")
			}
		}
		const size = 1000 << 10 // of one frame
		h.conn.Deliver(frame.Append(nil, abi.Binary, make([]byte, size)))
		asked()
		buf := make([]byte, 16<<10)
		for n := 0; h.conn.pongDue.Load() == 1; {
			tick := s.group.now()
			until(t, "the next look at the deadlines", func() bool { return s.group.now() != tick })
			k, err := c.br.Read(buf)
			if n += k; err != nil || n >= size {
				t.Fatalf("%d bytes were read (%v), and that was no sign of life", n, err)
			}
		}
	})
}

// An upload that takes longer than the answer to a ping may is let through.
func TestSlowUpload(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		const most = 400 * time.Millisecond
		s := serve(t, way, serverOptions{timeouts: Timeouts{PingInterval: 10 * time.Millisecond, Pong: most}})
		c, _ := s.dial(t)
		f := masked(text, repeat("x", 60_000))
		for start := time.Now(); time.Since(start) < 2*most; f = f[1:] {
			c.want(frame.OpPing, "")
			c.send(f[:1])
		}
		c.send(f)
		for {
			op, p, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			if op == frame.OpText {
				if len(p) != 60_000 {
					t.Errorf("%d bytes were echoed", len(p))
				}
				return
			}
		}
	})
}
