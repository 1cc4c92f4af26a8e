package hub

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

// wantEvents takes the presence events of now.
func wantEvents(t *testing.T, h *Hub, want ...PresenceEvent) {
	t.Helper()
	if got := h.TakePresence(time.Now()); !slices.Equal(got, want) {
		t.Errorf("presence events %v, want %v", got, want)
	}
}

func TestPresenceWithoutGrace(t *testing.T) {
	wakes := 0
	h := New(Options{Wake: func() { wakes++ }})
	a, _ := add(h, nil, "r")
	b, _ := add(h, nil, "r")
	wantEvents(t, h)
	h.Identify(a, "ann")
	if wakes == 0 {
		t.Error("a join did not call Wake")
	}
	wantEvents(t, h, PresenceEvent{"", "ann", true}, PresenceEvent{"r", "ann", true})
	h.Identify(b, "ann")
	h.Identify(b, "ann")
	wantEvents(t, h)
	h.Remove(a)
	wantEvents(t, h)
	if !h.Online("ann") || !slices.Equal(h.Present("r"), []string{"ann"}) {
		t.Error("ann is absent, but has a connection")
	}
	wakes = 0
	h.Leave(b, "r")
	if wakes == 0 {
		t.Error("a leave did not call Wake")
	}
	wantEvents(t, h, PresenceEvent{"r", "ann", false})
	if h.Rooms() != 0 {
		t.Error("an empty room is kept")
	}
	h.Identify(b, "bob")
	wantEvents(t, h, PresenceEvent{"", "bob", true}, PresenceEvent{"", "ann", false})
	h.Identify(b, "")
	if h.Online("bob") || len(h.Present("")) != 0 || h.User(b) != "" {
		t.Error("bob is present, but has no connection")
	}
	wantEvents(t, h, PresenceEvent{"", "bob", false})
	h.Identify(b, "carl") // comes and goes between two calls of TakePresence
	h.Identify(b, "")
	wantEvents(t, h)
	if n := len(h.all.present); n != 0 {
		t.Errorf("%d users are kept, want 0", n)
	}
}

func TestPresenceGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const grace = 15 * time.Second
		h := New(Options{Grace: grace})
		if _, ok := h.NextGraceEnd(); ok {
			t.Error("an empty hub has a grace that ends")
		}
		a, _ := add(h, nil, "r")
		h.Identify(a, "ann")
		wantEvents(t, h, PresenceEvent{"", "ann", true}, PresenceEvent{"r", "ann", true})
		h.Remove(a)
		at, ok := h.NextGraceEnd()
		if want := time.Now().Add(grace); !ok || !at.Equal(want) {
			t.Fatalf("the grace ends at %v (%v), want %v", at, ok, want)
		}
		time.Sleep(grace - time.Nanosecond)
		wantEvents(t, h)
		if !h.Online("ann") || h.Room("r") == nil || !slices.Equal(h.Present("r"), []string{"ann"}) {
			t.Error("ann is absent within the grace")
		}
		b, _ := add(h, nil, "r") // as a page that was reloaded
		h.Identify(b, "ann")
		time.Sleep(time.Nanosecond)
		wantEvents(t, h)
		if _, ok := h.NextGraceEnd(); ok {
			t.Error("a grace ends although ann is back")
		}
		time.Sleep(2 * grace)
		wantEvents(t, h)

		h.Leave(b, "r")
		time.Sleep(grace / 2)
		h.Remove(b)
		time.Sleep(grace / 2)
		wantEvents(t, h, PresenceEvent{"r", "ann", false})
		if !h.Online("ann") || h.Rooms() != 0 {
			t.Error("want ann in the channel, and no room")
		}
		time.Sleep(grace / 2)
		wantEvents(t, h, PresenceEvent{"", "ann", false})
		if h.Online("ann") || len(h.all.present) != 0 || len(h.leaving) != 0 {
			t.Error("ann has left, but is still known")
		}
	})
}

// A user that leaves again within the grace gets a whole grace from then on.
func TestPresenceGraceBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const grace = 10 * time.Second
		h := New(Options{Grace: grace})
		for range 2 {
			m, _ := add(h, nil)
			h.Identify(m, "ann")
			h.TakePresence(time.Now())
			h.Remove(m)
			time.Sleep(6 * time.Second)
		}
		wantEvents(t, h) // 12 s after the first leave, 6 s after the second
		if at, ok := h.NextGraceEnd(); !ok || time.Until(at) != 4*time.Second {
			t.Errorf("the grace ends in %v, want 4s", time.Until(at))
		}
		time.Sleep(4 * time.Second)
		wantEvents(t, h, PresenceEvent{"", "ann", false})
	})
}

// A user that comes and goes all the time has one entry in leaving for each room,
// and calls Wake rarely.
func TestFlappingUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wakes := 0
		h := New(Options{Grace: time.Minute, Wake: func() { wakes++ }})
		for i := range 1000 {
			m, _ := add(h, nil, "r")
			h.Identify(m, "ann")
			h.Remove(m)
			time.Sleep(time.Millisecond)
			if i%100 == 0 {
				h.TakePresence(time.Now())
			}
		}
		if len(h.leaving) > 2 || len(h.changed) > 2 {
			t.Errorf("%d entries in leaving and %d in changed, want at most one for each room", len(h.leaving), len(h.changed))
		}
		if wakes > 10 {
			t.Errorf("%d wakes, want a few", wakes)
		}
		time.Sleep(2 * time.Minute)
		h.TakePresence(time.Now())
		wantEvents(t, h)
		if h.Rooms() != 0 || len(h.leaving) != 0 {
			t.Error("a room or a grace is left")
		}
	})
}

func TestLeavingIsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{Grace: time.Minute})
		var want []PresenceEvent
		var ms []*Member
		for i := range 20 {
			m, _ := add(h, nil)
			h.Identify(m, fmt.Sprint("user ", i))
			ms = append(ms, m)
			want = append(want, PresenceEvent{"", fmt.Sprint("user ", i), false})
		}
		h.TakePresence(time.Now())
		for _, m := range ms {
			h.Remove(m)
			time.Sleep(time.Second)
		}
		var got []PresenceEvent
		for {
			at, ok := h.NextGraceEnd()
			if !ok {
				break
			}
			time.Sleep(time.Until(at))
			got = append(got, h.TakePresence(time.Now())...)
		}
		if !slices.Equal(got, want) {
			t.Errorf("left in the order %v", got)
		}
	})
}
