package socket

import (
	"bytes"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// model is a queue as a list of frames.
type model struct {
	frames []modelFrame
	begun  int // the unit of which something was written last
}

type modelFrame struct {
	b     []byte
	sent  int
	unit  int // frames of one go together
	stays bool
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
		m.begun = f.unit
		if f.sent == len(f.b) {
			m.frames = m.frames[1:]
		}
	}
}

func (m *model) dropOldest(n int) (dropped int) {
	var kept []modelFrame
	going := 0
	for _, f := range m.frames {
		if !f.stays && f.unit != m.begun && (n > 0 || f.unit == going) {
			going = f.unit
			n -= len(f.b)
			dropped++
			continue
		}
		kept = append(kept, f)
	}
	m.frames = kept
	return dropped
}

// staying is what dropOldest can not remove, in bytes.
func (m *model) staying() (n int) {
	for _, f := range m.frames {
		if f.stays || f.unit == m.begun {
			n += len(f.b) - f.sent
		}
	}
	return n
}

// modelFrames makes what stays together, and may stay for good. Where the subprotocol is not
// spoken its messages are data.
func modelFrames(kind, size int, serial byte, unit *int, spoken bool) (out []modelFrame) {
	data := bytes.Repeat([]byte{serial}, size)
	add := func(b []byte, stays bool) {
		if len(out) == 0 || !spoken {
			*unit++
		}
		out = append(out, modelFrame{b: b, unit: *unit, stays: stays})
	}
	message := frame.Append(nil, abi.Text, data)
	switch kind {
	case 0:
		add(append(frame.AppendHeader(nil, frame.OpPong, size%100), data[:size%100]...), true)
	case 1:
		add(frame.AppendControl(nil, map[string]any{"type": "recovered", "count": size}), spoken)
	case 2, 3: // of a recovery; 3: excepted
		p := frame.AppendMissed(nil, "r", frame.Position{Epoch: "e", Offset: uint64(size)}, message, kind == 3)
		for len(p) > 0 {
			n := frame.Len(p)
			add(p[:n:n], spoken)
			p = p[n:]
		}
	case 4:
		add(frame.AppendControl(nil, position{"position", "r", false}), false)
		add(message, false)
	case 5:
		add(frame.AppendControl(nil, position{"position", "r", true}), false)
	default:
		add(frame.Append(nil, abi.Binary, data), false)
	}
	return out
}

// position is enough of the message to be told by.
type position struct {
	Type string `json:"type"`
	Room string `json:"room"`
	Skip bool   `json:"skip,omitempty"`
}

// cut keeps the frame that has begun.
func (m *model) cut() (frames int) {
	begun := 0
	if len(m.frames) > 0 && m.frames[0].sent > 0 {
		begun = 1
	}
	for _, f := range m.frames[begun:] {
		if f.b[0]&0x08 == 0 {
			frames++
		}
	}
	m.frames = m.frames[:begun]
	return frames
}

// Whatever is pushed, written in part and dropped: frames stay whole and in order.
func FuzzQueue(f *testing.F) {
	f.Add([]byte{0, 4, 0, 13, 1, 20, 2, 255, 1, 30, 2, 255, 5, 20, 2, 9})
	f.Add([]byte{0, 10, 1, 5, 0, 200, 2, 50, 0, 3, 1, 255})
	f.Add([]byte{3, 9, 3, 255, 4, 1, 2, 255, 1, 1, 3, 7, 2, 1, 1, 90})
	f.Add([]byte{0, 255, 6, 0, 3, 99, 0, 9, 6, 0, 0, 3, 1, 40, 6, 0})
	f.Add([]byte{0, 255, 0, 255, 0, 255, 5, 30, 5, 255, 2, 255, 0, 1})
	f.Fuzz(func(t *testing.T, ops []byte) {
		var q queue
		var m model
		var serial byte
		unit := 0
		spoken := len(ops)%4 < 2
		for i := 0; i+1 < len(ops) && i < 400; i += 2 {
			n := int(ops[i+1])
			switch ops[i] % 7 {
			case 0, 3: // push frames; 3: of which a part is written already
				var p []byte
				var fs []modelFrame
				for k := range 1 + n%4 {
					serial++
					fs = append(fs, modelFrames((n+k)%9, n*(k+1)%700, serial, &unit, spoken)...)
				}
				for _, f := range fs {
					p = append(p, f.b...)
				}
				written := 0
				if ops[i]%7 == 3 && q.len() == 0 {
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
				if got, want := q.dropOldest(n*4, spoken), m.dropOldest(n*4); got != want {
					t.Fatalf("%d frames dropped, want %d", got, want)
				}
			case 4:
				q.reset()
				m.frames = nil
			case 6:
				if got, want := q.cut(), m.cut(); got != want {
					t.Fatalf("%d frames cut, want %d", got, want)
				}
			case 5: // the portable way: it never begins within a frame
				if len(m.frames) == 0 || m.frames[0].sent > 0 {
					continue
				}
				var want []byte
				for len(m.frames) > 0 && (want == nil || len(want)+len(m.frames[0].b) <= n*4) {
					want = append(want, m.frames[0].b...)
					m.wrote(len(m.frames[0].b))
				}
				if got := q.take(nil, n*4); !bytes.Equal(got, want) {
					t.Fatalf("took %d bytes, want %d", len(got), len(want))
				}
			}
			if want := m.bytes(); !bytes.Equal(q.bytes(), want) || q.len() != len(want) {
				t.Fatalf("after operation %d the queue has %d bytes, want %d", i/2, q.len(), len(want))
			}
			if got, want := q.staying(spoken), m.staying(); got != want {
				t.Fatalf("after operation %d there are %d bytes that stay, want %d", i/2, got, want)
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
	f := frame.Append(nil, abi.Binary, make([]byte, 1000))
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
