package socket

import (
	"bytes"
	"io"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/internal/race"
)

// echo returns a function that sends in, one message, and reads the answer.
func echo(tb testing.TB, way string, in []byte) func() { return echoN(tb, way, in, 1) }

// echoN is echo for n messages in one write.
func echoN(tb testing.TB, way string, in []byte, n int) func() {
	out := frame.Append(nil, abi.Text, make([]byte, 128))
	limits := Options{MessageRate: 1e9, MessageBurst: 1e9} // checked, and never reached
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
		t.Skip("needs a build without the race detector, which makes sync.Pool drop values at random")
	}
	for _, tt := range []struct {
		name  string
		in    []byte
		limit float64
	}{
		{"a message of one frame", masked(text, repeat("x", 128)), 0},
		{"a message of two fragments", append(masked(frame.OpText, repeat("x", 64)), masked(fin, repeat("x", 64))...), 0},
	} {
		once := echo(t, "tcp", tt.in)
		for range 100 {
			once()
		}
		n := testing.AllocsPerRun(2000, once)
		t.Logf("%s: %v allocations", tt.name, n)
		if n > tt.limit {
			t.Errorf("%s costs %v allocations, want at most %v", tt.name, n, tt.limit)
		}
	}
}

func BenchmarkEcho(b *testing.B) {
	for _, way := range ways {
		b.Run(way, func(b *testing.B) {
			once := echo(b, way, masked(text, repeat("x", 128)))
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
		})
	}
}

// BenchmarkPipelined compares messages that are decoded in place with fragmented
// ones, which the library reads.
func BenchmarkPipelined(b *testing.B) {
	const n = 16
	whole := masked(text, repeat("x", 128))
	fragments := append(masked(frame.OpText, repeat("x", 64)), masked(fin, repeat("x", 64))...)
	for name, one := range map[string][]byte{"in place": whole, "by the library": fragments} {
		b.Run(name, func(b *testing.B) {
			once := echoN(b, "tcp", bytes.Repeat(one, n), n)
			b.ReportAllocs()
			for b.Loop() {
				once()
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/n, "ns/message")
		})
	}
}
