package hub

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// Rooms that compete for the last bytes keep their newest messages without gaps.
// Since never returns a part of the messages.
func TestHistoryHasNoGaps(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 1000, MaxBytes: 2000}})
	f := text("%0100d", 1)
	var wait sync.WaitGroup
	for g := range 4 {
		room, outbox := fmt.Sprintf("r%d", g), &Outbox{Hub: h}
		outbox.Broadcast([]byte(room), f, 0) // makes the log
		wait.Go(func() {
			for range 150_000 {
				outbox.Broadcast([]byte(room), f, 0)
				last := outbox.LastPosition
				for from := last.Offset; from+3 > last.Offset && from <= last.Offset; from-- {
					entries, at, ok := h.Since(room, last.Epoch, from)
					if ok && (uint64(len(entries)) != at.Offset-from || len(entries) > 0 && entries[0].Offset != from+1) {
						t.Errorf("%s has %d messages after %d, and the newest is %d", room, len(entries), from, at.Offset)
						return
					}
				}
				if s := h.HistoryStats(); s.Bytes > 2000 {
					t.Errorf("%d bytes are kept, want at most 2000", s.Bytes)
					return
				}
			}
		})
	}
	wait.Wait()
}

// A log with a gap, which should not exist, returns no messages.
func TestSinceOfAGap(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 10}})
	outbox := &Outbox{Hub: h}
	for range 5 {
		outbox.Broadcast([]byte("r"), text("x"), 0)
	}
	h.history.logs["r"].last += 3
	for from := range uint64(9) {
		if entries, _, ok := h.Since("r", outbox.LastPosition.Epoch, from); ok || len(entries) > 0 {
			t.Errorf("%d messages after %d, want none", len(entries), from)
		}
	}
}

// A log that is deleted after it was looked up takes no message. The message goes
// into a new log.
func TestAppendToDeletedLog(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{History: HistoryOptions{Size: 10, TTL: time.Minute}})
		found := h.history.log("r", false)
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		if offset := found.append(text("x"), 0); offset != 0 {
			t.Errorf("a deleted log has taken message %d", offset)
		}
		outbox := &Outbox{Hub: h}
		outbox.Broadcast([]byte("r"), text("x"), 0)
		entries, at, ok := h.Since("r", outbox.LastPosition.Epoch, 0)
		if !ok || len(entries) != 1 || at.Offset != 1 || at.Epoch == found.epoch {
			t.Errorf("%d messages at %v (%v), want one in a new epoch", len(entries), at, ok)
		}
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		if s := h.HistoryStats(); s != (HistoryStats{}) {
			t.Errorf("the stats are %+v, want zero", s)
		}
	})
}

// Sweeps between messages to rooms without members keep the byte count right.
func TestSweepKeepsTheByteCount(t *testing.T) {
	var now atomic.Int64 // each reading of the clock is a second later
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
		t.Errorf("the stats are %+v, want zero", s)
	}
}

// A room that was joined and left without a message keeps its log only if a client
// was given a position, and only within MaxBytes.
func TestLogsOfLeftRooms(t *testing.T) {
	const bound = 100 * (entryOverhead + 6)
	h := New(Options{History: HistoryOptions{Size: 10, MaxBytes: bound}})
	plain, _ := add(h, nil)
	m, s := addV1(h)
	visit := func(m *Member, from, to int) {
		for i := from; i < to; i++ {
			room := fmt.Sprintf("%06d", i)
			h.Join(m, room)
			h.Leave(m, room)
		}
	}
	visit(plain, 0, 1_000)
	if st := h.HistoryStats(); st.Rooms != 0 || st.Bytes != 0 {
		t.Errorf("the stats are %+v although no position was given", st)
	}
	visit(m, 0, 50)
	r := (&reader{t: t}).readAll(s) // of the last room
	outbox := &Outbox{Hub: h}
	outbox.Broadcast([]byte("000049"), text("missed"), 0)
	if entries, _, ok := h.Since("000049", r.epoch, 0); !ok || len(entries) != 1 {
		t.Errorf("a client that comes back gets %v, %t", entries, ok)
	}
	visit(m, 50, 1_000)
	if st := h.HistoryStats(); st.Bytes > bound || st.Rooms < 90 {
		t.Errorf("the bound is %d bytes, and the stats are %+v", bound, st)
	}
	// A room with members has positions even then, and another epoch after its log was deleted.
	h.Join(m, "opened")
	one := (&reader{t: t}).readAll(s).epoch
	h.Leave(m, "opened")
	h.Join(m, "opened")
	if two := (&reader{t: t}).readAll(s).epoch; one == "" || two == one {
		t.Errorf("the epochs are %q and %q", one, two)
	}
	if _, _, ok := h.Since("opened", one, 0); ok {
		t.Error("a deleted log still has an answer")
	}
}
