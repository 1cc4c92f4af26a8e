package socket

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// silent makes handlers that send messages to got instead of answering.
func silent(got chan string) func() *handler {
	return func() *handler {
		h := newHandler()
		h.message = func(_ *handler, _ abi.Kind, p []byte) { got <- string(p) }
		return h
	}
}

const (
	broadcasts = 1000
	large      = 10 << 10
)

// numbered returns a large frame that begins with a number.
func numbered(i int) []byte {
	b := make([]byte, large)
	copy(b, fmt.Sprintf("%06d", i))
	return frame.Append(nil, abi.Binary, b)
}

func TestSlowReaderIsClosed(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{small: true, timeouts: Timeouts{Close: 50 * time.Millisecond}})
		_, h := s.dial(t)
		after, ah := s.dial(t)
		for i := range broadcasts {
			h.conn.Deliver(numbered(i))
			if n := h.conn.Queued(); n > 1<<20 {
				t.Fatalf("%d bytes wait, want at most 1 MiB", n)
			}
		}
		h.wantClosed(t, codePolicy)
		d := s.group.Drops()
		slow, closed := d[DropSlowReader], d[DropClosed]
		if slow == 0 || closed == 0 || slow+closed > broadcasts || d[DropOldest] != 0 {
			t.Errorf("drops %v, want some as slow_reader and some as closed, %d at most", d, broadcasts)
		}
		until(t, "nothing is queued", func() bool { return s.group.QueueBytes() == 0 })
		ah.conn.Deliver(frame.Append(nil, abi.Text, []byte("others live on")))
		after.want(frame.OpText, "others live on")
	})
}

// A slow reader that reads on soon gets the close frame, behind whole frames. One
// that does not is cut off.
func TestSlowReaderGetsTheCloseFrame(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		fill := func(h *handler) {
			for i := 0; h.conn.closeBy.Load() == 0 && i < 10*broadcasts; i++ {
				h.conn.Deliver(numbered(i))
			}
		}
		t.Run("it reads on", func(t *testing.T) {
			s := serve(t, way, serverOptions{small: true, timeouts: Timeouts{Close: time.Hour}})
			c, h := s.dial(t)
			fill(h)
			if n := h.conn.Queued(); n > 2*flushChunk {
				t.Errorf("%d bytes wait before the close frame", n)
			}
			c.wantClose(codePolicy)
			c.send(masked(text, "too late"), closeFrame(codePolicy, ""))
			c.wantEnd()
			h.wantClosed(t, codePolicy)
		})
		t.Run("it does not", func(t *testing.T) {
			s := serve(t, way, serverOptions{small: true, timeouts: Timeouts{Close: 50 * time.Millisecond}})
			_, h := s.dial(t)
			fill(h)
			h.wantClosed(t, codePolicy)
		})
	})
}

// Frames that are queued when a connection ends, or delivered later, are counted:
// every frame is either sent or counted.
func TestLostFramesAreCounted(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		for _, how := range []string{"the client leaves", "the host aborts", "before the upgrade"} {
			t.Run(how, func(t *testing.T) {
				s := serve(t, way, serverOptions{
					small: true, timeouts: Timeouts{PingInterval: -1}, opts: Options{MaxQueue: 64 << 20},
				})
				h := newHandler()
				h.conn = s.group.NewConn(s.opts, false, h)
				var c *client
				if how != "before the upgrade" {
					c, h = s.dial(t)
				}
				for i := range broadcasts {
					h.conn.Deliver(numbered(i))
				}
				received := 0
				if c != nil {
					for received < 10 {
						c.want(frame.OpBinary, string(numbered(received)[4:]))
						received++
					}
				}
				if how == "the client leaves" {
					_ = c.Close()
					h.wantClosed(t, codeAbnormal)
				} else {
					h.conn.abort(codePolicy, "")
				}
				until(t, "the connection is gone", func() bool { return len(s.group.all()) == 0 })
				h.conn.Deliver(numbered(0))
				until(t, "the flusher is done", func() bool { return h.conn.Queued() == 0 })
				// Frames in socket buffers are neither received nor counted.
				upper := broadcasts + 1 - received
				lower := upper / 2
				if c == nil {
					lower = upper
				}
				if d := int(s.group.Drops()[DropClosed]); d > upper || d < lower {
					t.Errorf("%d frames were counted, of %d that were not received", d, upper)
				}
			})
		}
	})
}

func TestDropOldest(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		got := make(chan string, 1)
		const limit = 256 << 10
		s := serve(t, way, serverOptions{small: true, make: silent(got), opts: Options{DropOldest: true, MaxQueue: limit}})
		c, h := s.dial(t)
		deliver := func(from, to int) {
			for i := from; i < to; i++ {
				h.conn.Deliver(numbered(i))
				if n := h.conn.Queued(); n > limit {
					t.Fatalf("%d bytes wait, want at most %d", n, limit)
				}
			}
		}
		deliver(0, broadcasts/2)
		c.send(masked(ping, "keep me"), masked(text, "done"))
		<-got // the pong was queued before
		deliver(broadcasts/2, broadcasts)
		last, received, ponged := -1, 0, false
		for last < broadcasts-1 {
			op, p, err := c.read()
			if err != nil {
				t.Fatalf("after frame %d: %v", last, err)
			}
			if op == frame.OpPong {
				ponged = string(p) == "keep me"
				continue
			}
			var n int
			if _, err := fmt.Sscanf(string(p[:6]), "%d", &n); err != nil || n <= last || len(p) != large {
				t.Fatalf("frame %.10q of %d bytes after %d", p, len(p), last)
			}
			last = n
			received++
		}
		if !ponged {
			t.Error("the answer to a ping was dropped")
		}
		if d := s.group.Drops()[DropOldest]; int(d)+received != broadcasts || d == 0 {
			t.Errorf("%d dropped and %d received, want %d together", d, received, broadcasts)
		}
		// As many frames are kept as fit.
		if received < limit/large/2 {
			t.Errorf("%d frames received, want at least the %d that fit", received, limit/large)
		}
		c.send(masked(text, "alive"))
		<-got
		h.conn.Deliver(frame.Append(nil, abi.Text, []byte("alive")))
		c.want(frame.OpText, "alive")
	})
}

// The newest frames are kept, even while older ones are being written.
func TestDropOldestKeepsTheNewest(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		const limit = 128 << 10
		s := serve(t, way, serverOptions{small: true, opts: Options{DropOldest: true, MaxQueue: limit}})
		c, h := s.dial(t)
		for i := range broadcasts {
			h.conn.Deliver(numbered(i))
		}
		var got []int
		for len(got) == 0 || got[len(got)-1] < broadcasts-1 {
			_, p, err := c.read()
			if err != nil {
				t.Fatal(err)
			}
			var n int
			_, _ = fmt.Sscanf(string(p[:6]), "%d", &n)
			got = append(got, n)
		}
		inRow := 1
		for i := len(got) - 1; i > 0 && got[i-1] == got[i]-1; i-- {
			inRow++
		}
		// A third of the limit may be with the flusher.
		if inRow < limit/large/2 {
			t.Errorf("the last %d frames came without a gap, want at least %d", inRow, limit/large/2)
		}
	})
}

// Pongs that a client does not read are bounded, too.
func TestPongsAreBounded(t *testing.T) {
	g := &Group{}
	c := g.NewConn(&Options{DropOldest: true, MaxQueue: 1000}, false, newHandler())
	for range 20 {
		_, _ = libraryConn{c}.Write(frame.Append(nil, abi.Kind(frame.OpPong), make([]byte, 100)))
	}
	if n := c.Queued(); n > 2000 || c.status.code != codePolicy {
		t.Errorf("%d bytes of control frames are queued, and the connection is open", n)
	}
}

// A message that is larger than the queue reaches a client that reads.
func TestLargerThanTheQueue(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		for _, policy := range []string{"close", "drop_oldest"} {
			t.Run(policy, func(t *testing.T) {
				answer := repeat("x", 2<<20)
				s := serve(t, way, serverOptions{opts: Options{DropOldest: policy == "drop_oldest"}, make: func() *handler {
					h := newHandler()
					h.message = func(h *handler, _ abi.Kind, p []byte) {
						h.conn.Deliver(frame.Append(nil, abi.Text, p))
						h.conn.Deliver(frame.Append(nil, abi.Text, []byte(answer)))
					}
					return h
				}})
				c, h := s.dial(t)
				for _, q := range []string{"first", "second"} {
					c.send(masked(text, q))
					c.want(frame.OpText, q)
					c.want(frame.OpText, answer)
				}
				until(t, "nothing waits", func() bool { return h.conn.Queued() == 0 })
				h.conn.Deliver(frame.Append(nil, abi.Text, []byte(answer))) // outside of a read cycle
				c.want(frame.OpText, answer)
				if d := s.group.Drops(); d[DropOldest]+d[DropSlowReader]+d[DropClosed] != 0 {
					t.Errorf("dropped: %v", d)
				}
			})
		}
	})
}

// A close frame fits into a full queue.
func TestCloseWithAFullQueue(t *testing.T) {
	g := &Group{}
	c := g.NewConn(&Options{MaxQueue: 100}, false, newHandler())
	c.Deliver(frame.Append(nil, abi.Binary, make([]byte, 99)))
	c.Close(4000, "")
	if c.dead != nil || c.status.code != 4000 || c.Queued() != 101+4 {
		t.Errorf("closed with %d (%v), and %d bytes are queued; want 4000 behind the first frame",
			c.status.code, c.dead, c.Queued())
	}
}

// Messages before a close are answered before the close frame, however slowly the
// client reads.
func TestPipelinedThenClose(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{small: true, opts: Options{MaxQueue: 64 << 20}})
		const n = 100
		t.Run("by the client", func(t *testing.T) {
			c, h := s.dial(t)
			for i := range n {
				c.send(masked(text, fmt.Sprintf("%06d", i)+repeat("x", large)))
			}
			c.send(closeFrame(4000, "done"))
			for i := range n {
				c.want(frame.OpText, fmt.Sprintf("%06d", i)+repeat("x", large))
			}
			c.want(frame.OpClose, "\x0f\xa0done")
			c.wantEnd()
			h.wantClosed(t, 4000)
		})
		t.Run("by the host", func(t *testing.T) {
			c, h := s.dial(t)
			for i := range n {
				h.conn.Deliver(numbered(i))
			}
			h.conn.Close(4001, "bye")
			h.conn.Deliver(numbered(0)) // too late
			for i := range n {
				if _, p, err := c.read(); err != nil || !strings.HasPrefix(string(p), fmt.Sprintf("%06d", i)) {
					t.Fatalf("frame %d: %.6q, %v", i, p, err)
				}
			}
			c.want(frame.OpClose, "\x0f\xa1bye")
			c.send(closeFrame(4001, ""))
			c.wantEnd()
			h.wantClosed(t, 4001)
		})
		t.Run("by a broken rule", func(t *testing.T) {
			c, h := s.dial(t)
			for i := range n {
				h.conn.Deliver(numbered(i))
			}
			c.send(masked(text, "\xff"))
			for range n {
				if op, _, err := c.read(); err != nil || op != frame.OpBinary {
					t.Fatal(op, err)
				}
			}
			c.wantClose(codeNotUTF8)
			h.wantClosed(t, codeNotUTF8)
		})
	})
}

// tlsCloseTimeout is how long crypto/tls tries to send close_notify.
const tlsCloseTimeout = 5 * time.Second

// A client that never reads does not delay the end of its connection.
func TestCloseOfASlowReader(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{
			small: true, timeouts: Timeouts{Close: 50 * time.Millisecond}, opts: Options{MaxQueue: 64 << 20},
		})
		for _, how := range []string{"client", "host", "rule"} {
			t.Run(how, func(t *testing.T) {
				c, h := s.dial(t)
				for i := range 300 {
					h.conn.Deliver(numbered(i))
				}
				code := 4000
				switch how {
				case "client":
					c.send(closeFrame(code, ""))
				case "host":
					h.conn.Close(code, "")
				default:
					code = codeProtocol
					c.send(masked(fin, "x"))
				}
				h.wantClosed(t, code)
				closed := time.Now()
				until(t, "the connection is gone", func() bool { return len(s.group.all()) == 0 })
				if d := time.Since(closed); d > tlsCloseTimeout*4/5 {
					t.Errorf("the connection took %v to end", d)
				}
			})
		}
	})
}

// A flusher that waits for the socket does not deadlock with the end of the
// connection.
func TestAbortWhileFlushing(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{small: true, opts: Options{MaxQueue: 64 << 20}})
		times := 150
		if way != "tcp" {
			times = 30
		}
		frames := numbered(0)
		for i := range times {
			c, h := s.dial(t)
			for h.conn.Queued() < 100<<10 {
				h.conn.Deliver(frames)
			}
			if i%2 == 0 {
				h.conn.abort(4000, "")
				h.wantClosed(t, 4000)
			} else {
				_ = c.Close()
				h.wantClosed(t, codeAbnormal)
			}
			h.conn.Deliver(frames)
			h.conn.Close(1000, "")
			h.conn.abort(1000, "")
			_ = c.Close()
		}
		until(t, "the group is empty", func() bool { return len(s.group.all()) == 0 })
	})
}
