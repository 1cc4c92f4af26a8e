package socket

import (
	"bytes"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// model is a simple model of queue: a list of frames.
type model struct {
	frames []modelFrame
	begun  int // the unit that was written to last
}

type modelFrame struct {
	b    []byte
	sent int
	unit int // frames of one unit are dropped together
	keep bool
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
		if !f.keep && f.unit != m.begun && (n > 0 || f.unit == going) {
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

// undroppable returns how many bytes dropOldest cannot remove.
func (m *model) undroppable() (n int) {
	for _, f := range m.frames {
		if f.keep || f.unit == m.begun {
			n += len(f.b) - f.sent
		}
	}
	return n
}

// modelFrames returns the frames of one kind of message: one unit or, without v1,
// a unit for each frame.
func modelFrames(kind, size int, serial byte, unit *int, v1 bool) (out []modelFrame) {
	data := bytes.Repeat([]byte{serial}, size)
	add := func(b []byte, keep bool) {
		if len(out) == 0 || !v1 {
			*unit++
		}
		out = append(out, modelFrame{b: b, unit: *unit, keep: keep})
	}
	message := frame.Append(nil, abi.Text, data)
	switch kind {
	case 0:
		add(append(frame.AppendHeader(nil, frame.OpPong, size%100), data[:size%100]...), true)
	case 1:
		add(frame.AppendControl(nil, map[string]any{"type": "recovered", "count": size}), v1)
	case 2, 3: // a part of an answer to recover; 3: without data
		p := frame.AppendMissed(nil, "r", frame.Position{Epoch: "e", Offset: uint64(size)}, message, kind == 3)
		for len(p) > 0 {
			n := frame.Len(p)
			add(p[:n:n], v1)
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

// position has as much of a position message as frame.Role needs.
type position struct {
	Type string `json:"type"`
	Room string `json:"room"`
	Skip bool   `json:"skip,omitempty"`
}

// truncate keeps the frame that is partly written.
func (m *model) truncate() (frames int) {
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

// Any sequence of operations keeps frames whole and in order.
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
		v1 := len(ops)%4 < 2
		for i := 0; i+1 < len(ops) && i < 400; i += 2 {
			n := int(ops[i+1])
			switch ops[i] % 7 {
			case 0, 3: // push frames; 3: a part of which is written already
				var p []byte
				var fs []modelFrame
				for k := range 1 + n%4 {
					serial++
					fs = append(fs, modelFrames((n+k)%9, n*(k+1)%700, serial, &unit, v1)...)
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
				if got, want := q.dropOldest(n*4, v1), m.dropOldest(n*4); got != want {
					t.Fatalf("%d frames dropped, want %d", got, want)
				}
			case 4:
				q.reset()
				m.frames = nil
			case 6:
				if got, want := q.truncate(), m.truncate(); got != want {
					t.Fatalf("%d frames removed, want %d", got, want)
				}
			case 5: // take, as flushPortable does, when no frame is partly written
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
			if got, want := q.undroppable(v1), m.undroppable(); got != want {
				t.Fatalf("after operation %d there are %d bytes that stay, want %d", i/2, got, want)
			}
			begun := 0
			if len(m.frames) > 0 && m.frames[0].sent > 0 {
				begun = len(m.frames[0].b) - m.frames[0].sent
			}
			if got := q.unbegun(); got != q.len()-begun {
				t.Fatalf("%d bytes of frames are not begun, want %d", got, q.len()-begun)
			}
		}
		q.reset()
	})
}

// The buffer of a queue that is never empty does not grow without bound.
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
