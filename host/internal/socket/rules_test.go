package socket

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// longLength returns a frame whose length takes so many bytes, more than it needs.
func longLength(b0 byte, payload string, bytes int) []byte {
	n := len(payload)
	head := []byte{b0, 0x80 | 126, byte(n >> 8), byte(n)}
	if bytes == 8 {
		head = binary.BigEndian.AppendUint64([]byte{b0, 0x80 | 127}, uint64(n))
	}
	return append(append(head, 0, 0, 0, 0), payload...) // the mask 0 changes nothing
}

// lengthHeader returns a header that announces n bytes, with a length of 8 bytes.
func lengthHeader(b0 byte, n uint64) []byte {
	return append(binary.BigEndian.AppendUint64([]byte{b0, 0x80 | 127}, n), 1, 2, 3, 4)
}

// rule is input that ends a connection.
type rule struct {
	name string
	in   [][]byte
	echo []string // answers before the close frame
	code int      // in the close frame and OnClosed
}

const maxMessage = 1000

func rules() []rule {
	rs := []rule{
		{"text that is not UTF-8", [][]byte{masked(text, "ok"), masked(text, "a\xffb")}, []string{"ok"}, codeNotUTF8},
		{"a surrogate", [][]byte{masked(text, "\xed\xa0\x80")}, nil, codeNotUTF8},
		{"a rune cut off", [][]byte{masked(text, "\xe2\x82")}, nil, codeNotUTF8},
		{"fragments that are not UTF-8", [][]byte{masked(frame.OpText, "\xc3"), masked(fin, "\x28")}, nil, codeNotUTF8},
		{"a rune over two fragments",
			[][]byte{masked(frame.OpText, "\xc3"), masked(fin, "\xa9"), closeFrame(1000, "")}, []string{"é"}, 1000},
		{"binary need not be UTF-8", [][]byte{masked(binMsg, "\xff"), closeFrame(1000, "")}, []string{"\xff"}, 1000},
		{"a message of the largest size",
			[][]byte{masked(text, repeat("x", maxMessage)), closeFrame(1000, "")}, []string{repeat("x", maxMessage)}, 1000},
		{"a message too large", [][]byte{masked(text, repeat("x", maxMessage+1))}, nil, codeTooBig},
		{"fragments too large together",
			[][]byte{masked(frame.OpText, repeat("x", maxMessage)), masked(0, ""), masked(fin, "x")}, nil, codeTooBig},
		{"a header that announces 2^62 bytes",
			[][]byte{masked(text, "ok"), lengthHeader(text, 1<<62)}, []string{"ok"}, codeTooBig},
		{"a length with the top bit", [][]byte{lengthHeader(binMsg, 1<<63|5)}, nil, codeTooBig},
		{"2 bytes for a length of 125",
			[][]byte{masked(text, "ok"), longLength(text, repeat("x", 125), 2)}, []string{"ok"}, codeProtocol},
		{"2 bytes for a length of 126",
			[][]byte{longLength(text, repeat("x", 126), 2), closeFrame(1000, "")}, []string{repeat("x", 126)}, 1000},
		{"8 bytes for a length of 0", [][]byte{longLength(text, "", 8)}, nil, codeProtocol},
		{"8 bytes for a length of 65535", [][]byte{lengthHeader(text, 1<<16-1)}, nil, codeProtocol},
		{"8 bytes for a length of 65536", [][]byte{lengthHeader(text, 1<<16)}, nil, codeTooBig},
		{"8 bytes in a continuation", [][]byte{masked(frame.OpText, "a"), longLength(fin, "b", 8)}, nil, codeProtocol},
		{"a flood of empty fragments",
			append([][]byte{masked(frame.OpText, "")}, bytes.Repeat(masked(0, ""), maxFragments)), nil, codePolicy},
		{"a ping flood", [][]byte{bytes.Repeat(masked(ping, ""), 5*maxControlsPerSecond)}, nil, codePolicy},
		{"a pong flood", [][]byte{bytes.Repeat(masked(pong, "x"), 5*maxControlsPerSecond)}, nil, codePolicy},
		{"an unmasked frame", [][]byte{masked(text, "ok"), {text, 2, 'h', 'i'}}, []string{"ok"}, codeProtocol},
		{"an unmasked ping", [][]byte{{ping, 0}}, nil, codeProtocol},
		{"a fragmented ping", [][]byte{masked(frame.OpPing, "")}, nil, codeProtocol},
		{"a fragmented close", [][]byte{masked(frame.OpClose, "")}, nil, codeProtocol},
		{"a long ping", [][]byte{masked(ping, repeat("x", 126))}, nil, codeProtocol},
		{"a long close", [][]byte{masked(fin|frame.OpClose, repeat("x", 126))}, nil, codeProtocol},
		{"a ping that announces 2^62 bytes", [][]byte{lengthHeader(ping, 1<<62)}, nil, codeProtocol},
		{"a continuation of nothing", [][]byte{masked(fin, "x")}, nil, codeProtocol},
		{"a continuation after the last one",
			[][]byte{masked(frame.OpText, "a"), masked(fin, "b"), masked(0, "c")}, []string{"ab"}, codeProtocol},
		{"a message inside another", [][]byte{masked(frame.OpText, "a"), masked(text, "b")}, nil, codeProtocol},
		{"a close within a message", [][]byte{masked(frame.OpText, "a"), closeFrame(1000, "")}, nil, 1000},
		{"a close with a reason", [][]byte{closeFrame(1000, "so long")}, nil, 1000},
		{"a close without a code", [][]byte{masked(fin|frame.OpClose, "")}, nil, codeNoStatus},
		{"a close of one byte", [][]byte{masked(fin|frame.OpClose, "\x03")}, nil, codeProtocol},
		{"a close reason that is not UTF-8", [][]byte{closeFrame(1000, "\xff")}, nil, codeNotUTF8},
		{"data after a close",
			[][]byte{masked(text, "a"), closeFrame(1000, ""), masked(text, "b"), masked(ping, "")}, []string{"a"}, 1000},
		{"garbage after a close", [][]byte{closeFrame(4321, ""), []byte("\xff\xff\xff\xff")}, nil, 4321},
	}
	for _, b0 := range []byte{text | 0x40, text | 0x20, text | 0x10, ping | 0x40, 0x40} {
		rs = append(rs, rule{fmt.Sprintf("reserved bits %#x", b0), [][]byte{masked(b0, "x")}, nil, codeProtocol})
	}
	for _, op := range []byte{3, 4, 5, 6, 7, 0xb, 0xc, 0xd, 0xe, 0xf} {
		rs = append(rs, rule{fmt.Sprintf("opcode %#x", op), [][]byte{masked(fin|op, "")}, nil, codeProtocol})
	}
	for _, code := range []int{0, 999, 1004, 1005, 1006, 1015, 1016, 2000, 2999, 5000, 65535} {
		rs = append(rs, rule{fmt.Sprintf("close code %d", code), [][]byte{closeFrame(code, "")}, nil, codeProtocol})
	}
	for _, code := range []int{1001, 1002, 1003, 1007, 1011, 1014, 3000, 4999} {
		rs = append(rs, rule{fmt.Sprintf("close code %d", code), [][]byte{closeFrame(code, "")}, nil, code})
	}
	return rs
}

func TestRules(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		o := serverOptions{opts: Options{MaxMessage: maxMessage}}
		if way == "wrapped" { // it cannot close its output alone, so that the client waits for the deadline
			o.timeouts.Close = 50 * time.Millisecond
		}
		s := serve(t, way, o)
		for _, r := range rules() {
			all := bytes.Join(r.in, nil)
			hows := []string{"at once", "by bytes", "with the handshake"}
			if way == "wrapped" { // saves time: tls takes the same code path
				hows = hows[:1]
			}
			for _, how := range hows {
				t.Run(r.name+"/"+how, func(t *testing.T) {
					t.Parallel()
					var c *client
					var h *handler
					switch how {
					case "at once":
						c, h = s.dial(t)
						c.send(all)
					case "by bytes":
						c, h = s.dial(t)
						for i := range all {
							if _, err := c.Write(all[i : i+1]); err != nil {
								break // the server has closed
							}
						}
					default:
						c, h = s.dial(t, all)
					}
					for _, e := range r.echo {
						op, p, err := c.read()
						if err != nil || op >= frame.OpClose || string(p) != e {
							t.Fatalf("got %#x %.40q (%v), want %.40q", op, p, err, e)
						}
					}
					c.wantClose(r.code)
					_, _ = c.Write(closeFrame(r.code, ""))
					c.wantEnd()
					h.wantClosed(t, r.code)
				})
			}
		}
	})
}

// A broken rule counts once, whether scan or the library finds it, and only if it
// is the reason for the close.
func TestViolationsAreCounted(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		for _, r := range rules() {
			want := map[Violation]uint64{}
			switch last := r.in[len(r.in)-1]; {
			case r.code == codeProtocol && !bytes.Equal(last, closeFrame(codeProtocol, "")):
				want[BrokeProtocol] = 1
			case r.code == codeNotUTF8 && !bytes.Equal(last, closeFrame(codeNotUTF8, "")):
				want[BrokeUTF8] = 1
			case r.code == codeTooBig:
				want[BrokeSize] = 1
			case strings.Contains(r.name, "fragments") && r.code == codePolicy:
				want[BrokeFragments] = 1
			case r.code == codePolicy:
				want[BrokeControls] = 1
			}
			t.Run(r.name, func(t *testing.T) {
				t.Parallel()
				s := serve(t, way, serverOptions{opts: Options{MaxMessage: maxMessage}})
				c, h := s.dial(t, r.in...)
				h.wantClosed(t, r.code)
				_ = c.Close()
				for _, v := range violations {
					if got := s.group.Violations()[v]; got != want[v] {
						t.Errorf("%d connections counted for %s, want %d", got, v, want[v])
					}
				}
			})
		}
	})
}

// A rule that is broken after the host has closed does not count.
func TestNoViolationAfterAClose(t *testing.T) {
	s := serve(t, "tcp", serverOptions{})
	c, h := s.dial(t)
	h.conn.Close(4000, "")
	c.wantClose(4000)
	c.send(masked(fin|3, "x"))
	h.wantClosed(t, 4000)
	if n := s.group.Violations()[BrokeProtocol]; n != 0 {
		t.Errorf("%d connections closed for a broken rule, want none", n)
	}
}

// The host echoes the close frame of the client.
func TestCloseIsEchoed(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{})
		c, h := s.dial(t)
		reason := repeat("é", 61)
		c.send(closeFrame(4000, reason))
		c.want(frame.OpClose, "\x0f\xa0"+reason)
		c.wantEnd()
		if got := <-h.closed; got != (closed{4000, reason}) {
			t.Errorf("OnClosed got %v", got)
		} else {
			h.closed <- got
		}
	})
}

// After both close frames the connection ends at once.
func TestCloseEndsAtOnce(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{timeouts: Timeouts{Close: time.Hour}})
		for name, in := range map[string][]byte{
			"between messages": closeFrame(1000, ""),
			"within a message": append(masked(frame.OpText, "a"), closeFrame(1000, "")...),
		} {
			t.Run(name, func(t *testing.T) {
				c, _ := s.dial(t)
				c.send(in)
				c.wantClose(1000)
				c.wantEnd()
			})
		}
		t.Run("by the host", func(t *testing.T) {
			c, h := s.dial(t)
			h.conn.Close(1000, "")
			c.wantClose(1000)
			c.send(closeFrame(1000, ""))
			c.wantEnd()
		})
	})
}

func TestPings(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{})
		c, h := s.dial(t)
		long := repeat("p", 125)
		c.send(masked(ping, "one"), masked(ping, ""), masked(ping, long))
		c.want(frame.OpPong, "one")
		c.want(frame.OpPong, "")
		c.want(frame.OpPong, long)
		c.send(masked(frame.OpText, "a"), masked(ping, "within"))
		c.want(frame.OpPong, "within")
		c.send(masked(0, "b"), masked(pong, "unsolicited"), masked(fin, "c"))
		c.want(frame.OpText, "abc")
		for _, want := range []string{"one", "", long, "within"} {
			if got := <-h.pings; got != want {
				t.Errorf("OnPing got %q, want %q", got, want)
			}
		}
		if got := <-h.pongs; got != "unsolicited" {
			t.Errorf("OnPong got %q", got)
		}
	})
}

// Input after a close does not reach the handler.
func TestNoEventsAfterAClose(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{make: func() *handler {
			h := newHandler()
			h.message = func(h *handler, _ abi.Kind, p []byte) {
				if string(p) != "close" {
					t.Errorf("message %q after a close", p)
				}
				h.conn.Close(4000, "")
			}
			return h
		}})
		c, h := s.dial(t)
		c.send(masked(ping, "before"), masked(text, "close"),
			masked(ping, "after"), masked(pong, "after"), masked(text, "after"), closeFrame(4000, ""))
		c.wantClose(4000)
		h.wantClosed(t, 4000)
		if n := len(h.pings) + len(h.pongs); n != 1 {
			t.Errorf("%d pings and pongs, want the one from before the close", n)
		}
	})
}

func TestHostPings(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{timeouts: Timeouts{
			PingInterval: 10 * time.Millisecond, Pong: 400 * time.Millisecond,
		}})
		c, h := s.dial(t)
		silent, hs := s.dial(t)
		for range 10 {
			op, p, err := c.read()
			if err != nil || op != frame.OpPing {
				t.Fatalf("got %#x (%v), want a ping", op, err)
			}
			c.send(masked(pong, string(p)))
		}
		hs.wantClosed(t, codeAbnormal)
		silent.want(frame.OpPing, "")
		silent.wantEnd()
		if n := len(h.closed); n != 0 {
			t.Error("a client that answers was cut off")
		}
	})
}

func TestNoPings(t *testing.T) {
	s := serve(t, "tcp", serverOptions{timeouts: Timeouts{
		PingInterval: -1, Pong: time.Millisecond, Close: 20 * time.Millisecond,
	}})
	c, h := s.dial(t)
	silent, _ := s.dial(t)
	h.conn.Close(1000, "") // checkDeadlines goes on without pings
	c.wantClose(1000)
	c.wantEnd()
	silent.send(masked(text, "still here"))
	silent.want(frame.OpText, "still here")
}

func TestIncompleteMessage(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		s := serve(t, way, serverOptions{timeouts: Timeouts{Message: 60 * time.Millisecond, Close: 60 * time.Millisecond}})
		whole := masked(text, "hello")
		for name, half := range map[string][]byte{
			"a byte":            whole[:1],
			"half a header":     whole[:4],
			"half a payload":    whole[:8],
			"half a ping":       masked(ping, "hello")[:8],
			"half the close":    closeFrame(1000, "")[:7],
			"a first fragment":  masked(frame.OpText, "hello"),
			"one after another": append(masked(text, "echo"), whole[:7]...),
			"empty fragments":   append(masked(frame.OpText, ""), masked(0, "")...),
		} {
			for _, how := range []string{"at once", "with the handshake"} {
				t.Run(name+"/"+how, func(t *testing.T) {
					t.Parallel()
					n, c, h := half, (*client)(nil), (*handler)(nil)
					if how == "at once" {
						c, h = s.dial(t)
						c.send(n)
					} else {
						c, h = s.dial(t, n)
					}
					c.wantClose(codePolicy)
					c.wantEnd() // although the client never answers
					h.wantClosed(t, codePolicy)
				})
			}
		}
	})
}

// The deadline is for one message. A client that always begins the next message
// before the last one is handled is not closed.
func TestIncompleteMessagesInARow(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		t.Parallel()
		const deadline = time.Second // long enough for a busy machine
		s := serve(t, way, serverOptions{timeouts: Timeouts{Message: deadline}})
		c, _ := s.dial(t)
		f := masked(text, "hello")
		c.send(f[:5])
		for start := time.Now(); time.Since(start) < deadline*5/2; {
			c.send(f[5:], f[:5])
			c.want(frame.OpText, "hello")
		}
	})
}
