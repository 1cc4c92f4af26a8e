package socket

import (
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// pinged returns a connection without a socket that was just pinged. tick
// advances the clock of its group by d and checks the deadlines.
func pinged(t *testing.T) (c *Conn, tick func(d time.Duration)) {
	t.Helper()
	g := &Group{timeouts: Timeouts{PingInterval: time.Minute, Message: time.Hour}.WithDefaults()}
	g.clock.Store(1)
	c = g.NewConn(&Options{}, false, newHandler())
	tick = func(d time.Duration) {
		g.clock.Add(int64(d))
		c.checkDeadlines(g.now())
	}
	tick(0)
	tick(time.Minute)
	if c.Queued() != len(pingFrame) {
		t.Fatal("the connection was not pinged")
	}
	return c, tick
}

// A client cannot answer a ping in the middle of a frame. More of the frame is a
// sign of life, too.
func TestInputIsASignOfLife(t *testing.T) {
	c, tick := pinged(t)
	for _, b := range masked(text, "a slow upload") {
		tick(c.group.timeouts.Pong * 3 / 4)
		c.rest = []byte{b}
		c.beginCycle()
		c.endCycle()
	}
	if c.dead != nil {
		t.Fatal("a client that sends was cut off")
	}
	tick(time.Minute)
	tick(c.group.timeouts.Pong + 1)
	if c.dead == nil {
		t.Error("a silent client was not cut off")
	}
}

// During a read cycle no ping is sent: it would be held back, and the answer would
// not be read.
func TestNoPingDuringAReadCycle(t *testing.T) {
	c, tick := pinged(t)
	c.rest = masked(text, "work")
	c.beginCycle()
	for range 10 {
		tick(time.Minute)
	}
	if c.dead != nil || c.Queued() != len(pingFrame) {
		t.Fatalf("during a read cycle: %v, and %d bytes wait, want only the ping from before it", c.dead, c.Queued())
	}
	c.endCycle()
	tick(0)
	if c.Queued() != 2*len(pingFrame) {
		t.Fatal("no ping after the read cycle")
	}
	tick(c.group.timeouts.Pong)
	if c.dead != nil {
		t.Error("the deadline of the pong began before the ping")
	}
	tick(1)
	if c.dead == nil {
		t.Error("a silent client was not cut off")
	}
}

// A client that reads what is queued before the ping is alive, however long it
// takes.
func TestReadingIsASignOfLife(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{small: true, timeouts: Timeouts{
			PingInterval: -1, Pong: time.Hour, Close: time.Millisecond,
		}})
		c, h := s.dial(t)
		markPinged := func() {
			h.conn.mu.Lock()
			defer h.conn.mu.Unlock()
			h.conn.pongDue.Store(1)
		}
		markPinged()
		if way == "tcp" { // a socket with space says nothing about the client
			for range 5 {
				h.conn.Deliver(frame.Append(nil, abi.Text, []byte("small")))
			}
			if h.conn.pongDue.Load() != 1 {
				t.Error("a write to a socket with space counted as a sign of life")
			}
			for range 5 {
				c.want(frame.OpText, "small")
			}
		}
		const size = 1000 << 10 // of a frame
		h.conn.Deliver(frame.Append(nil, abi.Binary, make([]byte, size)))
		markPinged()
		buf := make([]byte, 16<<10)
		for n := 0; h.conn.pongDue.Load() == 1; {
			before := s.group.now()
			until(t, "the next tick", func() bool { return s.group.now() != before })
			k, err := c.br.Read(buf)
			if n += k; err != nil || n >= size {
				t.Fatalf("%d bytes were read (%v), which did not count as a sign of life", n, err)
			}
		}
	})
}

// An upload may take longer than Timeouts.Pong.
func TestSlowUpload(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		const pong = 400 * time.Millisecond
		s := serve(t, way, serverOptions{timeouts: Timeouts{PingInterval: 10 * time.Millisecond, Pong: pong}})
		c, _ := s.dial(t)
		f := masked(text, repeat("x", 60_000))
		for start := time.Now(); time.Since(start) < 2*pong; f = f[1:] {
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
					t.Errorf("%d bytes were echoed, want 60000", len(p))
				}
				return
			}
		}
	})
}
