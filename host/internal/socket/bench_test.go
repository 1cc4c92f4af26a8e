package socket

import (
	"bytes"
	"io"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/internal/race"
)

// echoed makes a call that sends in and waits for the answer to it.
func echoed(tb testing.TB, way string, in []byte) func() { return echoes(tb, way, in, 1) }

// echoes is echoed for n messages in one write.
func echoes(tb testing.TB, way string, in []byte, n int) func() {
	out := frame.Append(nil, abi.Text, make([]byte, 128))
	limits := Options{MessageRate: 1e9, MessageBurst: 1e9} // looked at, and never reached
	s := serve(tb, way, serverOptions{opts: limits, timeouts: Timeouts{PingInterval: -1}, make: func() *handler {
		h := newHandler()
		h.message = func(h *handler, _ abi.Kind, _ []byte) { h.conn.Deliver(out) }
		return h
	}})
	c, _ := s.dial(tb)
	_ = c.SetDeadline(noDeadline)
	buf := make([]byte, n*len(out))
	return func() {
		if _, err := c.Write(in); err != nil {
			tb.Fatal(err)
		}
		if _, err := io.ReadFull(c.Conn, buf); err != nil {
			tb.Fatal(err)
		}
	}
}

func TestAllocations(t *testing.T) {
	if race.Enabled {
		t.Skip("needs a build without the race detector, under which pools forget on purpose")
	}
	for _, tt := range []struct {
		name string
		in   []byte
		most float64
	}{
		{"a plain message", masked(text, repeat("x", 128)), 0},
		{"two fragments", append(masked(frame.OpText, repeat("x", 64)), masked(fin, repeat("x", 64))...), 0},
	} {
		once := echoed(t, "tcp", tt.in)
		for range 100 {
			once()
		}
		n := testing.AllocsPerRun(2000, once)
		t.Logf("%s: %v allocations", tt.name, n)
		if n > tt.most {
			t.Errorf("%s costs %v allocations, want at most %v", tt.name, n, tt.most)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, way := range ways {
		b.Run(way, func(b *testing.B) {
			once := echoed(b, way, masked(text, repeat("x", 128)))
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}

// BenchmarkPipelined compares the two ways of a message: in place, and through
// the library, which gets all that come in fragments.
func BenchmarkPipelined(b *testing.B) {
	const n = 16
	plain := masked(text, repeat("x", 128))
	fragments := append(masked(frame.OpText, repeat("x", 64)), masked(fin, repeat("x", 64))...)
	for name, one := range map[string][]byte{"plain": plain, "library": fragments} {
		b.Run(name, func(b *testing.B) {
			once := echoes(b, "tcp", bytes.Repeat(one, n), n)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
		})
	}
}
