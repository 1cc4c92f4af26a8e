package socket

import (
	"bytes"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// model is a queue as a list of frames.
type model struct{ frames []modelFrame }

type modelFrame struct {
	b    []byte
	sent int
}

func (m *model) bytes() (out []byte) {
	for _, f := range m.frames {
		out = append(out, f.b[f.sent:]...)
	}
	return out
}

func (m *model) wrote(n int) {
	for n > 0 {
		f := &m.frames[0]
		k := min(n, len(f.b)-f.sent)
		f.sent += k
		n -= k
		if f.sent == len(f.b) {
			m.frames = m.frames[1:]
		}
	}
}

func (m *model) dropOldest(n int) (dropped int) {
	var kept []modelFrame
	for _, f := range m.frames {
		if f.sent == 0 && f.b[0]&0x08 == 0 && n > 0 {
			n -= len(f.b)
			dropped++
			continue
		}
		kept = append(kept, f)
	}
	m.frames = kept
	return dropped
}

// Whatever is pushed, written in part and dropped: frames stay whole and in order.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 10, 1, 5, 0, 200, 2, 50, 0, 3, 1, 255})
	f.Add([]byte{3, 9, 3, 255, 4, 1, 2, 255, 1, 1, 3, 7, 2, 1, 1, 90})
	f.Add([]byte{0, 255, 0, 255, 0, 255, 5, 30, 5, 255, 2, 255, 0, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var q queue
		var m model
		var serial byte
		for i := 0; i+1 < len(ops) && i < 400; i += 2 {
			n := int(ops[i+1])
			switch ops[i] % 6 {
			case 0, 3: // push frames; 3: of which a part is written already
				var p []byte
				var fs []modelFrame
				for k := range 1 + n%4 {
					serial++
					fr := hub.AppendFrame(nil, abi.Binary, bytes.Repeat([]byte{serial}, n*(k+1)%700))
					if (n+k)%5 == 0 {
						fr = append(hub.AppendHeader(nil, opPong, n%100), bytes.Repeat([]byte{serial}, n%100)...)
					}
					fs = append(fs, modelFrame{b: fr})
					p = append(p, fr...)
				}
				written := 0
				if ops[i]%6 == 3 && q.len() == 0 {
					written = n * 7 % len(p)
				}
				before := len(m.frames)
				m.frames = append(m.frames, fs...)
				if before == 0 {
					m.wrote(written)
				} else {
					written = 0
				}
				q.push(p, written)
			case 1:
				k := min(n*3, q.len())
				if k > 0 {
					q.wrote(k)
					m.wrote(k)
				}
			case 2:
				if got, want := q.dropOldest(n*4), m.dropOldest(n*4); got != want {
					t.Fatalf("%d frames dropped, want %d", got, want)
				}
			case 4:
				q.reset()
				m.frames = nil
			case 5: // the portable way: it never begins within a frame
				if len(m.frames) == 0 || m.frames[0].sent > 0 {
					continue
				}
				var want []byte
				for len(m.frames) > 0 && (want == nil || len(want)+len(m.frames[0].b) <= n*4) {
					want = append(want, m.frames[0].b...)
					m.frames = m.frames[1:]
				}
				if got := q.take(nil, n*4); !bytes.Equal(got, want) {
					t.Fatalf("took %d bytes, want %d", len(got), len(want))
				}
			}
			if want := m.bytes(); !bytes.Equal(q.bytes(), want) || q.len() != len(want) {
				t.Fatalf("after operation %d the queue has %d bytes, want %d", i/2, q.len(), len(want))
			}
			begun := 0
			if len(m.frames) > 0 && m.frames[0].sent > 0 {
				begun = len(m.frames[0].b) - m.frames[0].sent
			}
			if got := q.unbegun(); got != q.len()-begun {
				t.Fatalf("%d bytes have not begun to go out, want %d", got, q.len()-begun)
			}
		}
		q.reset()
	})
}

// A queue that is never empty does not grow for ever.
func TestQueueReusesItsBuffer(t *testing.T) {
	var q queue
	f := hub.AppendFrame(nil, abi.Binary, make([]byte, 1000))
	for range 10 {
		q.push(f, 0)
	}
	for range 10_000 {
		q.push(f, 0)
		q.wrote(len(f))
	}
	if c := cap(q.buf); c > 64*len(f) {
		t.Errorf("a queue of %d bytes keeps %d", q.len(), c)
	}
	q.reset()
}
