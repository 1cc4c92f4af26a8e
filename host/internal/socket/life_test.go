package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

func handshake() *http.Request {
	r := httptest.NewRequest("GET", "/", nil)
	r.Header = http.Header{
		"Connection": {"keep-alive, Upgrade"}, "Upgrade": {"websocket"},
		"Sec-Websocket-Version": {"13"}, "Sec-Websocket-Key": {"dGhlIHNhbXBsZSBub25jZQ=="},
	}
	return r
}

// badHijacker is a Hijacker that fails.
type badHijacker struct{ http.ResponseWriter }

func (badHijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) { return nil, nil, errors.New("no") }

func TestUpgradeFails(t *testing.T) {
	bad := func(w http.ResponseWriter) http.ResponseWriter { return badHijacker{w} }
	for _, tt := range []struct {
		name   string
		closed bool
		wrap   func(http.ResponseWriter) http.ResponseWriter
		status int
	}{
		{"no hijacker", false, func(w http.ResponseWriter) http.ResponseWriter { return w }, http.StatusNotImplemented},
		{"hijack fails", false, bad, 0},
		{"the group is closed", true, bad, http.StatusServiceUnavailable},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := NewGroup(Timeouts{})
			if err != nil {
				t.Fatal(err)
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if tt.closed {
				if err := g.Close(ctx, codeGoingAway, ""); err != nil {
					t.Fatal(err)
				}
			}
			h := newHandler()
			h.conn = g.NewConn(&Options{}, false, h)
			h.conn.Deliver(frame.Append(nil, abi.Text, []byte("from on_connect")))
			w := httptest.NewRecorder()
			err = h.conn.Upgrade(tt.wrap(w), handshake(), "")
			if err == nil || errors.Is(err, errClosed) != tt.closed {
				t.Errorf("Upgrade returned %v", err)
			}
			if tt.status != 0 && w.Code != tt.status {
				t.Errorf("answered with %d, want %d", w.Code, tt.status)
			}
			h.wantClosed(t, codeAbnormal)
			if n := len(h.closed); n != 1 {
				t.Errorf("OnClosed was called %d times, want once", n)
			}
			if len(g.all()) != 0 || g.QueueBytes() != 0 {
				t.Error("the connection is still in the group")
			}
			h.conn.Deliver(frame.Append(nil, abi.Text, nil))
			h.conn.Close(1000, "")
			if err := g.Close(ctx, codeGoingAway, ""); err != nil {
				t.Error(err)
			}
		})
	}
}

// Frames and closes from before the upgrade take effect right after it.
func TestBeforeTheUpgrade(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		for name, tt := range map[string]struct {
			before func(*handler)
			check  func(*client, *handler)
		}{
			"deliver": {
				func(h *handler) {
					h.conn.Deliver(frame.Append(nil, abi.Text, []byte("1")))
					h.conn.Deliver(frame.Append(nil, abi.Text, []byte("2")))
				},
				func(c *client, _ *handler) {
					c.want(frame.OpText, "1")
					c.want(frame.OpText, "2")
					c.want(frame.OpText, "early")
				},
			},
			"deliver and close": {
				func(h *handler) {
					h.conn.Deliver(frame.Append(nil, abi.Text, []byte("no")))
					h.conn.Close(4001, "Unauthorized")
				},
				func(c *client, h *handler) {
					c.want(frame.OpText, "no")
					c.want(frame.OpClose, "\x0f\xa1Unauthorized")
					c.send(closeFrame(4001, ""))
					c.wantEnd()
					h.wantClosed(t, 4001)
				},
			},
			"abort": {
				func(h *handler) { h.conn.abort(4002, "") },
				func(c *client, h *handler) { c.wantEnd(); h.wantClosed(t, 4002) },
			},
			"more than MaxQueue": {
				func(h *handler) {
					for i := range 2 * (1 << 20) / large {
						h.conn.Deliver(numbered(i))
					}
				},
				func(c *client, h *handler) {
					c.want(frame.OpClose, "\x03\xf0slow reader")
					c.send(closeFrame(codePolicy, ""))
					c.wantEnd()
					h.wantClosed(t, codePolicy)
				},
			},
		} {
			t.Run(name, func(t *testing.T) {
				s := serve(t, way, serverOptions{make: func() *handler {
					h := newHandler()
					h.before = tt.before
					return h
				}})
				c, h := s.dial(t, masked(text, "early"))
				tt.check(c, h)
			})
		}
	})
}

// Frames that a client sends before it has the answer to its handshake are
// handled.
func TestEarlyFrames(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{})
		half := masked(text, "half")
		c, _ := s.dial(t, masked(text, "one"), masked(ping, "p"), masked(frame.OpText, "t"), masked(fin, "wo"), half[:7])
		c.want(frame.OpText, "one")
		c.want(frame.OpPong, "p")
		c.want(frame.OpText, "two")
		c.send(half[7:], masked(text, "three"))
		c.want(frame.OpText, "half")
		c.want(frame.OpText, "three")
	})
}

func TestGroupClose(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		const clients = 60
		connect := func(s *server) (cs []*client, hs []*handler) {
			for range clients {
				c, h := s.dial(t)
				cs, hs = append(cs, c), append(hs, h)
			}
			return cs, hs
		}
		t.Run("all answer", func(t *testing.T) {
			s := serve(t, way, serverOptions{})
			cs, hs := connect(s)
			var wg sync.WaitGroup
			for _, c := range cs {
				wg.Go(func() {
					op, p, err := c.read()
					if err != nil || op != frame.OpClose || string(p) != "\x03\xe9bye" {
						t.Errorf("got %#x %q (%v), want close 1001", op, p, err)
					}
					_, _ = c.Write(closeFrame(1001, ""))
				})
			}
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := s.group.Close(ctx, codeGoingAway, "bye"); err != nil {
				t.Error(err)
			}
			wg.Wait()
			for _, h := range hs {
				h.wantClosed(t, codeGoingAway)
			}
			if err := s.group.Close(ctx, 1000, "again"); err != nil {
				t.Error(err)
			}
		})
		t.Run("nobody answers", func(t *testing.T) {
			s := serve(t, way, serverOptions{timeouts: Timeouts{Close: time.Hour}})
			_, hs := connect(s)
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
			defer cancel()
			if err := s.group.Close(ctx, codeGoingAway, ""); !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("Close returned %v, want the deadline", err)
			}
			for _, h := range hs {
				h.wantClosed(t, codeGoingAway)
			}
		})
		t.Run("the close deadline is enough", func(t *testing.T) {
			s := serve(t, way, serverOptions{timeouts: Timeouts{Close: 20 * time.Millisecond}})
			_, hs := connect(s)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			if err := s.group.Close(ctx, codeGoingAway, ""); err != nil {
				t.Error(err)
			}
			for _, h := range hs {
				h.wantClosed(t, codeGoingAway)
			}
		})
	})
}

// openFiles returns the number of open files of the process, 0 where /proc is
// missing.
func openFiles(t *testing.T) int {
	d, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Logf("cannot count open files: %v", err)
	}
	return len(d)
}

// Ended connections leave no goroutine and no open file, however they end.
func TestNoLeaks(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		total, batch := 5000, 250
		if way != "tcp" {
			total = 500
		}
		s := serve(t, way, serverOptions{})
		runtime.GC()
		goroutines, files := runtime.NumGoroutine(), openFiles(t)
		for range total / batch {
			var wg sync.WaitGroup
			for i := range batch {
				wg.Go(func() {
					c, h := s.dial(t)
					c.send(masked(text, "hello"))
					c.want(frame.OpText, "hello")
					code := codeAbnormal
					switch i % 4 {
					case 0: // the client leaves
					case 1: // the client leaves in the middle of a frame
						c.send(masked(text, "hello")[:8])
					case 2:
						c.send(closeFrame(1000, ""))
						c.wantClose(1000)
						c.wantEnd()
						code = 1000
					case 3:
						h.conn.Close(4000, "")
						c.wantClose(4000)
						c.send(closeFrame(4000, ""))
						c.wantEnd()
						code = 4000
					}
					_ = c.Close()
					h.wantClosed(t, code)
				})
			}
			wg.Wait()
		}
		until(t, "the group is empty", func() bool { return len(s.group.all()) == 0 })
		until(t, "the goroutines are gone", func() bool { return runtime.NumGoroutine() <= goroutines })
		until(t, "the files are closed", func() bool { return openFiles(t) <= files })
	})
}

// Everything happens at once, for the race detector.
func TestAllAtOnce(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{
			small: true,
			timeouts: Timeouts{
				PingInterval: 5 * time.Millisecond,
				Pong:         50 * time.Millisecond, Message: 50 * time.Millisecond, Close: 50 * time.Millisecond,
			},
			opts: Options{MaxQueue: 64 << 10, DropOldest: way == "tls"},
		})
		var clients, senders sync.WaitGroup
		stop := make(chan struct{})
		for g := range 3 {
			senders.Go(func() {
				rnd := rand.New(rand.NewPCG(4, uint64(g)))
				f := frame.Append(nil, abi.Binary, make([]byte, 3000))
				for {
					select {
					case <-stop:
						return
					default:
					}
					for _, c := range s.group.all() {
						switch rnd.IntN(200) {
						case 0:
							c.Close(4000, "enough")
						case 1:
							c.abort(4001, "at once")
						default:
							c.Deliver(f)
						}
					}
					runtime.Gosched()
				}
			})
		}
		for g := range 8 {
			clients.Go(func() {
				rnd := rand.New(rand.NewPCG(5, uint64(g)))
				for i := range 20 {
					c, _ := s.dial(t)
					for range rnd.IntN(50) {
						if _, err := c.Write(masked(text, fmt.Sprint("message ", i))); err != nil {
							break
						}
						if op, p, err := c.read(); err != nil {
							break
						} else if op == frame.OpClose {
							_, _ = c.Write(masked(fin|frame.OpClose, string(p)))
							break
						}
					}
					_ = c.Close()
				}
			})
		}
		clients.Wait()
		close(stop)
		senders.Wait()
		until(t, "the group is empty", func() bool { return len(s.group.all()) == 0 })
		until(t, "nothing is queued", func() bool { return s.group.QueueBytes() == 0 })
	})
}
