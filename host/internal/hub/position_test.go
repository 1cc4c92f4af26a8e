package hub

import (
	"encoding/json"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/frame/frametest"
)

// reader is a client of azuhost.v1 that follows the positions of one room.
type reader struct {
	t       testing.TB
	epoch   string
	next    uint64   // offset that the next message must have; 0: not joined
	pending bool     // the next data belongs to the last position
	got     []string // messages with a position
	data    []string // all data
	left    bool
}

// read reads frames.
func (r *reader) read(b []byte) {
	r.t.Helper()
	for _, f := range frametest.Decode(r.t, b) {
		p := f.Payload
		switch {
		case f.Opcode != byte(abi.Text) || len(p) == 0 || p[0] != frame.Mark:
			r.readData(p)
		case len(p) > 1 && p[1] == frame.Mark:
			r.readData(p[1:])
		default:
			r.readControl(p[1:])
		}
	}
}

func (r *reader) readData(p []byte) {
	r.data = append(r.data, string(p))
	if r.pending {
		r.pending = false
		r.got = append(r.got, string(p))
	}
}

func (r *reader) readControl(p []byte) {
	r.t.Helper()
	var m struct {
		Type, Epoch string
		Offset      uint64
		Skip        bool
	}
	if err := json.Unmarshal(p, &m); err != nil {
		r.t.Fatalf("%s: %v", p, err)
	}
	switch m.Type {
	case "joined":
		r.epoch, r.next = m.Epoch, m.Offset+1
	case "position":
		if r.pending {
			r.t.Fatalf("two positions in a row at %d", m.Offset)
		}
		if m.Offset != r.next || m.Epoch != r.epoch {
			r.t.Fatalf("position %s %d, want %s %d", m.Epoch, m.Offset, r.epoch, r.next)
		}
		r.next++
		r.pending = !m.Skip
	case "left":
		r.left = true
	}
}

// readAll reads what a sink has got so far.
func (r *reader) readAll(s *sink) *reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.read(s.got)
	return r
}

func TestPositions(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 10}})
	_, plain := add(h, nil, "r")
	outbox := &Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("before"), 0)
	m, s := addV1(h, "r") // does not get the message that waits
	outbox.Broadcast([]byte("r"), text("one"), 0)
	outbox.Broadcast([]byte("r"), text("to others"), m.ID)
	outbox.Send(m, text("direct"))
	outbox.Broadcast([]byte("r"), text("\x1emarked"), 0)
	outbox.BroadcastAll(text("all"), 0)
	outbox.Flush()
	r := (&reader{t: t}).readAll(s)
	wantEqual(t, "messages with a position", r.got, []string{"one", "\x1emarked"})
	wantEqual(t, "all messages", r.data, []string{"one", "direct", "\x1emarked", "all"})
	if r.next != 5 {
		t.Errorf("the next offset is %d, want 5", r.next)
	}
	wantTexts(t, "a member without azuhost.v1", plain, "before", "one", "to others", "\x1emarked", "all")
	h.Leave(m, "r")
	if r := (&reader{t: t}).readAll(s); !r.left {
		t.Error("no left message")
	}
}

func TestExternalHistory(t *testing.T) {
	h := New(Options{ExternalHistory: true})
	m, s := addV1(h, "r")
	outbox := &Outbox{Hub: h}
	h.SetPosition("r", frame.Position{Epoch: "e", Offset: 7})
	outbox.BroadcastAt([]byte("r"), text("8"), 0, frame.Position{Epoch: "e", Offset: 8})
	outbox.SkipPosition([]byte("r"), frame.Position{Epoch: "e", Offset: 9})
	outbox.BroadcastAt([]byte("r"), text("10"), m.ID, frame.Position{Epoch: "e", Offset: 10})
	outbox.BroadcastAt([]byte("r"), text("11"), 0, frame.Position{Epoch: "e", Offset: 11})
	_, late := addV1(h, "r")
	outbox.Flush()
	r := (&reader{t: t}).readAll(s)
	wantEqual(t, "messages with a position", r.got, []string{"8", "11"})
	if r.next != 12 || r.epoch != "e" {
		t.Errorf("the next position is %s %d, want e 12", r.epoch, r.next)
	}
	if r := (&reader{t: t}).readAll(late); r.next != 12 || len(r.got) > 0 {
		t.Errorf("a late member expects %d and got %q, want 12 and nothing", r.next, r.got)
	}
}

// A position that becomes known during a delivery reaches the members, even if no
// message follows.
func TestSetPositionDuringDelivery(t *testing.T) {
	h := New(Options{ExternalHistory: true})
	_, s := addV1(h, "r")
	_, slow := add(h, newHeldSink(), "r")
	outbox := &Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("hi"), 0)
	var flushed sync.WaitGroup
	flushed.Go(outbox.Flush)
	<-slow.entered
	h.SetPosition("r", frame.Position{Epoch: "e", Offset: 7})
	slow.release()
	flushed.Wait()
	if r := (&reader{t: t}).readAll(s); r.next != 8 {
		t.Errorf("the next offset is %d, want 8", r.next)
	}
}

// A member that joins and leaves a room alone, again and again, misses no message
// after the position in its joined message.
func TestRejoinMissesNothing(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 10}})
	var sends sync.WaitGroup
	done := make(chan struct{})
	for range 2 {
		sends.Go(func() {
			for outbox := (&Outbox{Hub: h}); ; outbox.Flush() {
				outbox.Broadcast([]byte("r"), text("x"), 0)
				select {
				case <-done:
					return
				default:
				}
			}
		})
	}
	m, s := addV1(h)
	r := &reader{t: t}
	for range 20_000 {
		h.Join(m, "r")
		h.Leave(m, "r")
		r.readAll(s)
		s.mu.Lock()
		s.got = s.got[:0]
		s.mu.Unlock()
	}
	close(done)
	sends.Wait()
}
