package hub

import (
	"fmt"
	"slices"
	"sync"
	"testing"
)

// busyRoom adds a member with a held sink to a room. start sends to the room and
// returns while that sink holds up the delivery: members added later have not got
// the frame yet. done ends the delivery.
func busyRoom(h *Hub, room string) (start, done func()) {
	_, first := add(h, newHeldSink(), room)
	var wg sync.WaitGroup
	start = func() {
		outbox := Outbox{Hub: h}
		outbox.Broadcast([]byte(room), text("in %s", room), 0)
		wg.Go(outbox.Flush)
		<-first.entered
	}
	return start, func() { first.release(); wg.Wait() }
}

func TestSendIsBehindBroadcasts(t *testing.T) {
	h := New(Options{})
	start, done := busyRoom(h, "r")
	m, s := add(h, nil, "r")
	start()
	outbox := Outbox{Hub: h}
	outbox.Send(m, text("1"))
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Send(m, text("3"))
	called := false
	outbox.After(m, func() { called = true; wantTexts(t, "the member, when After calls back", s, "in r", "1", "2", "3") })
	outbox.Send(m, text("4"))
	outbox.Flush()
	wantTexts(t, "the member, while another goroutine delivers", s)
	done()
	wantTexts(t, "the member", s, "in r", "1", "2", "3", "4")
	if !called {
		t.Error("After did not call back")
	}
	called = false
	outbox.After(m, func() { called = true })
	if !called {
		t.Error("After waits although no frame does")
	}
	outbox.Send(m, text("5"))
	wantTexts(t, "the member of an idle room", s, "in r", "1", "2", "3", "4", "5")
}

// Messages to one member keep their order, whichever of its rooms is busy.
func TestSendsKeepTheirOrder(t *testing.T) {
	for _, slow := range []string{"a", "b"} {
		t.Run(slow, func(t *testing.T) {
			other := map[string]string{"a": "b", "b": "a"}[slow]
			h := New(Options{})
			start, done := busyRoom(h, slow)
			m, s := add(h, nil, "a", "c", "b")
			start()
			outbox := Outbox{Hub: h}
			outbox.Send(m, text("1"))
			outbox.Broadcast([]byte(other), text("in %s", other), 0)
			outbox.Send(m, text("2"))
			outbox.After(m, func() { s.Deliver(text("after")) })
			outbox.Broadcast([]byte("c"), text("in c"), 0)
			outbox.Send(m, text("3"))
			outbox.Flush()
			done()
			got := s.texts(t)
			at := func(x string) int { return slices.Index(got, x) }
			for _, order := range [][]string{{"in " + slow, "1", "2", "after", "3"}, {"in " + other, "2"}, {"in c", "3"}} {
				for i := range order[1:] {
					if at(order[i]) < 0 || at(order[i]) > at(order[i+1]) {
						t.Errorf("got %q, want %q in this order", got, order)
					}
				}
			}
			if len(got) != 7 {
				t.Errorf("got %d frames, want 7", len(got))
			}
		})
	}
}

// The order also holds for a member of many rooms.
func TestSendBehindTheFirstOfManyRooms(t *testing.T) {
	h := New(Options{})
	start, done := busyRoom(h, "first")
	m, s := add(h, nil, "first")
	for i := range 30 {
		h.Join(m, fmt.Sprint("room ", i))
	}
	start()
	outbox := Outbox{Hub: h}
	outbox.Send(m, text("1"))
	outbox.Flush()
	done()
	wantTexts(t, "the member", s, "in first", "1")
}
