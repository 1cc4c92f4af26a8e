package hub

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/frame/frametest"
)

// reader is a client of the subprotocol: it follows the positions of one room.
type reader struct {
	t       testing.TB
	epoch   string
	next    uint64 // offset that the next message must have; 0: not joined
	pending bool
	got     []string // messages with a position
	data    []string // all data
	left    bool
}

func (r *reader) take(b []byte) {
	r.t.Helper()
	for _, f := range frametest.Decode(r.t, b) {
		p := f.Payload
		if f.Opcode != byte(abi.Text) || len(p) == 0 || p[0] != frame.Mark || len(p) > 1 && p[1] == frame.Mark {
			if len(p) > 0 && p[0] == frame.Mark {
				p = p[1:]
			}
			r.data = append(r.data, string(p))
			if r.pending {
				r.pending = false
				r.got = append(r.got, string(p))
			}
			continue
		}
		var m struct {
			Type, Epoch string
			Offset      uint64
			Skip        bool
		}
		if err := json.Unmarshal(p[1:], &m); err != nil {
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
}

func tagged(t testing.TB, h *Hub, rooms ...string) (*Member, *sink) {
	t.Helper()
	s := &sink{}
	memberID.Lock()
	memberID.n++
	m := MakeMember(memberID.n, s, true)
	memberID.Unlock()
	h.Add(&m)
	for _, r := range rooms {
		if err := h.Join(&m, r); err != nil {
			t.Fatal(err)
		}
	}
	return &m, s
}

func (r *reader) of(s *sink) *reader {
	s.mu.Lock()
	defer s.mu.Unlock()
	r.take(s.got)
	return r
}

func same(t *testing.T, got []string, want ...string) {
	t.Helper()
	if fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestPositions(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 10}})
	_, plain := add(t, h, nil, "r")
	outbox := &Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("before"), 0)
	m, s := tagged(t, h, "r") // while a message waits: it is not for it
	outbox.Broadcast([]byte("r"), text("one"), 0)
	outbox.Broadcast([]byte("r"), text("to others"), m.ID)
	outbox.Send(m, text("direct"))
	outbox.Broadcast([]byte("r"), text("\x1emarked"), 0)
	outbox.BroadcastAll(text("all"), 0)
	outbox.Flush()
	r := (&reader{t: t}).of(s)
	same(t, r.got, "one", "\x1emarked")
	same(t, r.data, "one", "direct", "\x1emarked", "all")
	if r.next != 5 {
		t.Errorf("the next offset is %d, want 5", r.next)
	}
	same(t, plain.texts(t), "before", "one", "to others", "\x1emarked", "all")
	h.Leave(m, "r")
	if r := (&reader{t: t}).of(s); !r.left {
		t.Error("not told of leaving")
	}
}

func texts(entries []Entry) (out []string) {
	for _, e := range entries {
		out = append(out, string(frame.Payload(e.Frame)))
	}
	return out
}

func TestSince(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 3}})
	outbox := &Outbox{Hub: h}
	for i := 1; i <= 5; i++ { // nobody is in the room
		outbox.Broadcast([]byte("r"), text("%d", i), 0)
	}
	_, at, ok := h.Since("r", "no such epoch", 4)
	if ok || at.Offset != 5 {
		t.Errorf("another epoch: %v %v", at, ok)
	}
	for _, c := range []struct {
		offset uint64
		ok     bool
		want   []string
	}{{5, true, nil}, {4, true, []string{"5"}}, {2, true, []string{"3", "4", "5"}}, {1, false, nil}, {6, false, nil}, {1<<64 - 1, false, nil}} {
		entries, _, ok := h.Since("r", at.Epoch, c.offset)
		if ok != c.ok {
			t.Errorf("since %d: %v", c.offset, ok)
		}
		same(t, texts(entries), c.want...)
	}
}

func TestHistoryEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{History: HistoryOptions{Size: 3, TTL: time.Minute}})
		outbox := &Outbox{Hub: h}
		outbox.Broadcast([]byte("r"), text("1"), 0)
		_, at, _ := h.Since("r", "", 0)
		time.Sleep(time.Minute + 1)
		if _, _, ok := h.Since("r", at.Epoch, 0); ok {
			t.Error("a message outlived its time")
		}
		if _, now, ok := h.Since("r", at.Epoch, 1); !ok || now != at {
			t.Errorf("the room stands at %v, was at %v", now, at)
		}
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		if s := h.HistoryStats(); s != (HistoryStats{}) {
			t.Errorf("left: %+v", s)
		}
		if _, now, ok := h.Since("r", at.Epoch, 1); ok || now.Epoch == at.Epoch {
			t.Error("a history that was forgotten has the same epoch")
		}
	})
}

func TestHistoryIsBounded(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 1000, MaxBytes: 10_000}})
	outbox := &Outbox{Hub: h}
	for i := range 100 {
		outbox.Broadcast(fmt.Appendf(nil, "r%d", i%3), text("%0100d", i), 0)
		if s := h.HistoryStats(); s.Bytes > 10_000 {
			t.Fatalf("%+v", s)
		}
	}
	s := h.HistoryStats()
	if s.Dropped == 0 || s.Rooms != 3 {
		t.Errorf("%+v", s)
	}
	// What is there is whole: the newest of each room, without gaps.
	for i := range 3 {
		room := fmt.Sprintf("r%d", i)
		_, at, _ := h.Since(room, "", 0)
		for from := range at.Offset {
			entries, _, ok := h.Since(room, at.Epoch, from)
			if ok && uint64(len(entries)) != at.Offset-from {
				t.Errorf("%s since %d: %d messages of %d", room, from, len(entries), at.Offset-from)
			}
		}
	}
}

// TestRecoveryUnderLoad: members come and go while others send; what each one
// saw, and what the history gives it after, is all and in order.
func TestRecoveryUnderLoad(t *testing.T) {
	const senders, each = 4, 300
	h := New(Options{History: HistoryOptions{Size: senders * each}})
	var wait sync.WaitGroup
	for s := range senders {
		wait.Go(func() {
			outbox := &Outbox{Hub: h}
			for i := range each {
				outbox.Broadcast([]byte("r"), text("%d-%d", s, i), 0)
				if rand.IntN(3) == 0 {
					outbox.Flush()
				}
			}
			outbox.Flush()
		})
	}
	for range 4 {
		wait.Go(func() {
			for range 30 {
				m, s := tagged(t, h, "r")
				for len(m.seats) > 0 && s.calls() < 5 && h.HistoryStats().Bytes < senders*each*70 {
				}
				leaves := rand.IntN(2) == 0
				if leaves {
					h.Leave(m, "r")
				}
				h.Remove(m)
				r := (&reader{t: t}).of(s)
				if r.next == 0 { // what waits for one who is gone is dropped
					if leaves {
						t.Error("not told where the room stands")
					}
					continue
				}
				seen := r.next - 1
				entries, at, ok := h.Since("r", r.epoch, seen)
				if !ok || uint64(len(entries)) < at.Offset-seen {
					t.Errorf("since %d: %d of %d, %v", seen, len(entries), at.Offset-seen, ok)
				}
				for i, e := range entries {
					if e.Offset != seen+1+uint64(i) {
						t.Errorf("offset %d at %d since %d", e.Offset, i, seen)
					}
				}
			}
		})
	}
	wait.Wait()
}

func TestElsewhere(t *testing.T) {
	h := New(Options{Positions: true})
	m, s := tagged(t, h, "r")
	outbox := &Outbox{Hub: h}
	h.Place("r", frame.Position{Epoch: "e", Offset: 7})
	outbox.Deliver([]byte("r"), text("8"), 0, frame.Position{Epoch: "e", Offset: 8})
	outbox.Pass([]byte("r"), frame.Position{Epoch: "e", Offset: 9})
	outbox.Deliver([]byte("r"), text("10"), m.ID, frame.Position{Epoch: "e", Offset: 10})
	outbox.Deliver([]byte("r"), text("11"), 0, frame.Position{Epoch: "e", Offset: 11})
	_, late := tagged(t, h, "r")
	outbox.Flush()
	r := (&reader{t: t}).of(s)
	same(t, r.got, "8", "11")
	if r.next != 12 || r.epoch != "e" {
		t.Errorf("it stands at %s %d", r.epoch, r.next)
	}
	if r := (&reader{t: t}).of(late); r.next != 12 || len(r.got) > 0 {
		t.Errorf("who came late stands at %d, got %q", r.next, r.got)
	}
}

// TestPlaceBehindAFlush: who waits to be told where a room stands is told although the
// room is being flushed, and nothing follows.
func TestPlaceBehindAFlush(t *testing.T) {
	h := New(Options{Positions: true})
	_, s := tagged(t, h, "r")
	slow := hold()
	add(t, h, slow, "r")
	outbox := &Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("hi"), 0)
	var flushed sync.WaitGroup
	flushed.Go(outbox.Flush)
	<-slow.entered
	h.Place("r", frame.Position{Epoch: "e", Offset: 7})
	slow.release()
	flushed.Wait()
	if r := (&reader{t: t}).of(s); r.next != 8 {
		t.Errorf("the next offset is %d, want 8", r.next)
	}
}

// TestEmptyAndFull: a member that joins a room alone, again and again, misses nothing after
// what it was told when it came.
func TestEmptyAndFull(t *testing.T) {
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
	m, s := tagged(t, h)
	r := &reader{t: t}
	for range 20_000 {
		_ = h.Join(m, "r")
		h.Leave(m, "r")
		r.of(s)
		s.mu.Lock()
		s.got = s.got[:0]
		s.mu.Unlock()
	}
	close(done)
	sends.Wait()
}

// TestRoomsOfHistoriesAreBounded: messages to ever more rooms without members do not grow
// the history over its bound.
func TestRoomsOfHistoriesAreBounded(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 10, MaxBytes: 10_000}})
	outbox := &Outbox{Hub: h}
	for i := range 1000 {
		outbox.Broadcast(fmt.Appendf(nil, "room %d", i), text("x"), 0)
	}
	if s := h.HistoryStats(); s.Bytes > 10_000 || s.Dropped == 0 {
		t.Errorf("%+v", s)
	}
}

// TestHistoryHasNoGaps: rooms that take the last bytes from each other are left with the
// newest messages, up to the last, and nobody is given a part of them for all.
func TestHistoryHasNoGaps(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 1000, MaxBytes: 2000}})
	frame := text("%0100d", 1)
	var wait sync.WaitGroup
	for g := range 4 {
		room, outbox := fmt.Sprintf("r%d", g), &Outbox{Hub: h}
		outbox.Broadcast([]byte(room), frame, 0) // it has a place from now on
		wait.Go(func() {
			for range 150_000 {
				outbox.Broadcast([]byte(room), frame, 0)
				for from := outbox.At.Offset; from+3 > outbox.At.Offset && from <= outbox.At.Offset; from-- {
					entries, at, ok := h.Since(room, outbox.At.Epoch, from)
					if ok && (uint64(len(entries)) != at.Offset-from || len(entries) > 0 && entries[0].Offset != from+1) {
						t.Errorf("%s has %d messages after %d, and stands at %d", room, len(entries), from, at.Offset)
						return
					}
				}
				if s := h.HistoryStats(); s.Bytes > 2000 {
					t.Errorf("%d bytes are kept", s.Bytes)
					return
				}
			}
		})
	}
	wait.Wait()
}

// TestSinceOfAGap: a history with a gap, which there should be none of, has nothing to give.
func TestSinceOfAGap(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 10}})
	outbox := &Outbox{Hub: h}
	for range 5 {
		outbox.Broadcast([]byte("r"), text("x"), 0)
	}
	h.history.logs["r"].last += 3
	for from := range uint64(9) {
		if entries, _, ok := h.Since("r", outbox.At.Epoch, from); ok || len(entries) > 0 {
			t.Errorf("%d messages after %d", len(entries), from)
		}
	}
}

// TestSweptBetween: a message whose history is swept between its look-up and the message is in
// the one that begins then, and is forgotten with that.
func TestSweptBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{History: HistoryOptions{Size: 10, TTL: time.Minute}})
		found := h.history.log("r", false)
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		if offset := found.append(text("x"), 0); offset != 0 {
			t.Errorf("a history that is not there any more has taken message %d", offset)
		}
		outbox := &Outbox{Hub: h}
		outbox.Broadcast([]byte("r"), text("x"), 0)
		if entries, at, ok := h.Since("r", outbox.At.Epoch, 0); !ok || len(entries) != 1 || at.Offset != 1 || at.Epoch == found.epoch {
			t.Errorf("%d messages, it stands at %v (%v)", len(entries), at, ok)
		}
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		if s := h.HistoryStats(); s != (HistoryStats{}) {
			t.Errorf("left: %+v", s)
		}
	})
}

// TestSweepsAndMessages: sweeps between messages to rooms without members lose no bytes.
func TestSweepsAndMessages(t *testing.T) {
	var now atomic.Int64 // each look is a second later
	h := New(Options{
		Now:     func() time.Time { return time.Unix(now.Add(1), 0) },
		History: HistoryOptions{Size: 10, TTL: time.Second},
	})
	var wait sync.WaitGroup
	for range 2 {
		wait.Go(func() {
			for outbox := (&Outbox{Hub: h}); now.Load() < 100_000; {
				outbox.Broadcast([]byte("r"), text("x"), 0)
			}
		})
	}
	for now.Load() < 100_000 {
		h.SweepHistory(time.Unix(now.Add(1), 0))
	}
	wait.Wait()
	for range 2 {
		h.SweepHistory(time.Unix(now.Add(10), 0))
	}
	if s := h.HistoryStats(); s != (HistoryStats{}) {
		t.Errorf("left: %+v", s)
	}
}

// TestRoomsThatNobodyStaysIn: a room that was joined and left without a message leaves a log
// only for who was told where it stood, and only as long as there is place.
func TestRoomsThatNobodyStaysIn(t *testing.T) {
	const bound = 100 * (entryOverhead + 6)
	h := New(Options{History: HistoryOptions{Size: 10, MaxBytes: bound}})
	plain, _ := add(t, h, nil)
	m, s := tagged(t, h)
	visit := func(m *Member, from, to int) {
		for i := from; i < to; i++ {
			room := fmt.Sprintf("%06d", i)
			if err := h.Join(m, room); err != nil {
				t.Fatal(err)
			}
			h.Leave(m, room)
		}
	}
	visit(plain, 0, 1_000)
	if st := h.HistoryStats(); st.Rooms != 0 || st.Bytes != 0 {
		t.Errorf("nobody was told of a position, and there is %+v", st)
	}
	visit(m, 0, 50)
	r := (&reader{t: t}).of(s) // of the last room
	outbox := &Outbox{Hub: h}
	outbox.Broadcast([]byte("000049"), text("missed"), 0)
	if entries, _, ok := h.Since("000049", r.epoch, 0); !ok || len(entries) != 1 {
		t.Errorf("who was told of a position comes back and gets %v, %t", entries, ok)
	}
	visit(m, 50, 1_000)
	if st := h.HistoryStats(); st.Bytes > bound || st.Rooms < 90 {
		t.Errorf("the bound is %d bytes, and there is %+v", bound, st)
	}
	// A room with members has its positions all the same, and a new one when it is forgotten.
	if err := h.Join(m, "opened"); err != nil {
		t.Fatal(err)
	}
	one := (&reader{t: t}).of(s).epoch
	h.Leave(m, "opened")
	if err := h.Join(m, "opened"); err != nil {
		t.Fatal(err)
	}
	if two := (&reader{t: t}).of(s).epoch; one == "" || two == one {
		t.Errorf("epochs %q, %q", one, two)
	}
	if _, _, ok := h.Since("opened", one, 0); ok {
		t.Error("a history that was forgotten is complete")
	}
}
