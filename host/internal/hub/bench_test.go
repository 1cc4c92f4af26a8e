package hub

import (
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// count is a Sink that only counts.
type count struct{ calls, bytes int }

func (c *count) Deliver(p []byte) {
	c.calls++
	c.bytes += len(p)
}

func BenchmarkBroadcast1000(b *testing.B) {
	for _, bb := range []struct {
		name     string
		perFlush int
		except   bool
	}{{"1 per flush", 1, false}, {"16 per flush", 16, false}, {"16 per flush except the sender", 16, true}} {
		b.Run(bb.name, func(b *testing.B) {
			h := New(Options{})
			c := &count{}
			var except uint64
			for range 1000 {
				m, _ := add(h, c, "r")
				if bb.except {
					except = m.ID
				}
			}
			outbox := Outbox{Hub: h}
			f := frame.Append(nil, abi.Text, make([]byte, 128))
			b.ReportAllocs()
			frames := 0
			for b.Loop() {
				for range bb.perFlush {
					outbox.Broadcast([]byte("r"), f, except)
					frames++
				}
				outbox.Flush()
			}
			to := 1000
			if bb.except {
				to--
			}
			if c.bytes != frames*to*len(f) {
				b.Fatalf("%d bytes delivered, want %d", c.bytes, frames*to*len(f))
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(frames*to), "ns/delivery")
		})
	}
}

func BenchmarkSend(b *testing.B) {
	h := New(Options{})
	m, _ := add(h, &count{}, "r")
	outbox := Outbox{Hub: h}
	f := frame.Append(nil, abi.Text, make([]byte, 128))
	b.ReportAllocs()
	for b.Loop() {
		outbox.Send(m, f)
		outbox.Flush()
	}
}
