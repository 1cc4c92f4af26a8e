package hub

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// texts returns the payloads of entries.
func texts(entries []Entry) (out []string) {
	for _, e := range entries {
		out = append(out, string(frame.Payload(e.Frame)))
	}
	return out
}

func TestSince(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 3}})
	outbox := &Outbox{Hub: h}
	for i := 1; i <= 5; i++ { // the room has no members
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
	}{
		{5, true, nil}, {4, true, []string{"5"}}, {2, true, []string{"3", "4", "5"}},
		{1, false, nil}, {6, false, nil}, {1<<64 - 1, false, nil},
	} {
		entries, _, ok := h.Since("r", at.Epoch, c.offset)
		if ok != c.ok {
			t.Errorf("since %d: ok is %v", c.offset, ok)
		}
		wantEqual(t, fmt.Sprint("since ", c.offset), texts(entries), c.want)
	}
}

func TestHistoryExpires(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{History: HistoryOptions{Size: 3, TTL: time.Minute}})
		outbox := &Outbox{Hub: h}
		outbox.Broadcast([]byte("r"), text("1"), 0)
		_, at, _ := h.Since("r", "", 0)
		time.Sleep(time.Minute + 1)
		if _, _, ok := h.Since("r", at.Epoch, 0); ok {
			t.Error("a message outlived its TTL")
		}
		if _, now, ok := h.Since("r", at.Epoch, 1); !ok || now != at {
			t.Errorf("the position is %v, was %v", now, at)
		}
		time.Sleep(time.Minute + 1)
		h.SweepHistory(time.Now())
		if s := h.HistoryStats(); s != (HistoryStats{}) {
			t.Errorf("the stats are %+v, want zero", s)
		}
		if _, now, ok := h.Since("r", at.Epoch, 1); ok || now.Epoch == at.Epoch {
			t.Error("a deleted history has the same epoch")
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
	// The newest messages of each room are there, without gaps.
	for i := range 3 {
		room := fmt.Sprintf("r%d", i)
		_, at, _ := h.Since(room, "", 0)
		for from := range at.Offset {
			entries, _, ok := h.Since(room, at.Epoch, from)
			if ok && uint64(len(entries)) != at.Offset-from {
				t.Errorf("%s since %d: %d messages, want %d", room, from, len(entries), at.Offset-from)
			}
		}
	}
}

// Members come and go while others send. What each of them got, and what the
// history has behind that, is complete and in order.
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
				m, s := addV1(h, "r")
				for len(m.memberships) > 0 && s.calls() < 5 && h.HistoryStats().Bytes < senders*each*70 {
				}
				leaves := rand.IntN(2) == 0
				if leaves {
					h.Leave(m, "r")
				}
				h.Remove(m)
				r := (&reader{t: t}).readAll(s)
				if r.next == 0 { // Remove drops what waits, the joined message too
					if leaves {
						t.Error("no joined message")
					}
					continue
				}
				seen := r.next - 1
				entries, at, ok := h.Since("r", r.epoch, seen)
				if !ok || uint64(len(entries)) < at.Offset-seen {
					t.Errorf("since %d: %d messages, want %d (ok is %v)", seen, len(entries), at.Offset-seen, ok)
				}
				for i, e := range entries {
					if e.Offset != seen+1+uint64(i) {
						t.Errorf("message %d has offset %d, since %d", i, e.Offset, seen)
					}
				}
			}
		})
	}
	wait.Wait()
}

// Messages to ever more rooms without members stay within MaxBytes.
func TestEmptyRoomsAreBounded(t *testing.T) {
	h := New(Options{History: HistoryOptions{Size: 10, MaxBytes: 10_000}})
	outbox := &Outbox{Hub: h}
	for i := range 1000 {
		outbox.Broadcast(fmt.Appendf(nil, "room %d", i), text("x"), 0)
	}
	if s := h.HistoryStats(); s.Bytes > 10_000 || s.Dropped == 0 {
		t.Errorf("%+v", s)
	}
}
