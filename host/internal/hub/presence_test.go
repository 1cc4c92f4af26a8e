package hub

import (
	"errors"
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

func events(t *testing.T, h *Hub, want ...PresenceEvent) {
	t.Helper()
	if got := h.TakePresence(time.Now()); !slices.Equal(got, want) {
		t.Errorf("presence events %v, want %v", got, want)
	}
}

func TestPresenceWithoutGrace(t *testing.T) {
	wakes := 0
	h := New(Options{Wake: func() { wakes++ }})
	a, _ := add(t, h, nil, "r")
	b, _ := add(t, h, nil, "r")
	events(t, h)
	h.Identify(a, "ann")
	if wakes == 0 {
		t.Error("nobody was woken for a join")
	}
	events(t, h, PresenceEvent{"", "ann", true}, PresenceEvent{"r", "ann", true})
	h.Identify(b, "ann")
	h.Identify(b, "ann")
	events(t, h)
	h.Remove(a)
	events(t, h)
	if !h.Online("ann") || !slices.Equal(h.Present("r"), []string{"ann"}) {
		t.Error("ann is gone, but has a connection")
	}
	wakes = 0
	h.Leave(b, "r")
	if wakes == 0 {
		t.Error("nobody was woken for a leave")
	}
	events(t, h, PresenceEvent{"r", "ann", false})
	if h.Rooms() != 0 {
		t.Error("an empty room is kept")
	}
	h.Identify(b, "bob")
	events(t, h, PresenceEvent{"", "bob", true}, PresenceEvent{"", "ann", false})
	h.Identify(b, "")
	if h.Online("bob") || len(h.Present("")) != 0 || h.User(b) != "" {
		t.Error("bob is present, but has no connection")
	}
	events(t, h, PresenceEvent{"", "bob", false})
	h.Identify(b, "carl") // came and went between two looks
	h.Identify(b, "")
	events(t, h)
	if n := len(h.all.present); n != 0 {
		t.Errorf("%d users are kept, want 0", n)
	}
}

func TestPresenceGrace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const grace = 15 * time.Second
		h := New(Options{Grace: grace})
		if _, ok := h.Due(); ok {
			t.Error("something is due in an empty hub")
		}
		a, _ := add(t, h, nil, "r")
		h.Identify(a, "ann")
		events(t, h, PresenceEvent{"", "ann", true}, PresenceEvent{"r", "ann", true})
		h.Remove(a)
		at, ok := h.Due()
		if want := time.Now().Add(grace); !ok || !at.Equal(want) {
			t.Fatalf("due at %v (%v), want %v", at, ok, want)
		}
		time.Sleep(grace - time.Nanosecond)
		events(t, h)
		if !h.Online("ann") || h.Room("r") == nil || !slices.Equal(h.Present("r"), []string{"ann"}) {
			t.Error("ann is gone within the grace")
		}
		b, _ := add(t, h, nil, "r") // the page has loaded again
		h.Identify(b, "ann")
		time.Sleep(time.Nanosecond)
		events(t, h)
		if _, ok := h.Due(); ok {
			t.Error("something is due although ann is back")
		}
		time.Sleep(2 * grace)
		events(t, h)

		h.Leave(b, "r")
		time.Sleep(grace / 2)
		h.Remove(b)
		time.Sleep(grace / 2)
		events(t, h, PresenceEvent{"r", "ann", false})
		if !h.Online("ann") || h.Rooms() != 0 {
			t.Error("want ann in the channel, and no room")
		}
		time.Sleep(grace / 2)
		events(t, h, PresenceEvent{"", "ann", false})
		if h.Online("ann") || len(h.all.present) != 0 || len(h.leaving) != 0 {
			t.Error("something of ann stays")
		}
	})
}

// One who leaves again within the grace has a whole grace from then on.
func TestPresenceGraceBeginsAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const grace = 10 * time.Second
		h := New(Options{Grace: grace})
		for range 2 {
			m, _ := add(t, h, nil)
			h.Identify(m, "ann")
			h.TakePresence(time.Now())
			h.Remove(m)
			time.Sleep(6 * time.Second)
		}
		events(t, h) // 12 s after the first leave, 6 s after the second
		if at, ok := h.Due(); !ok || time.Until(at) != 4*time.Second {
			t.Errorf("due in %v, want 4s", time.Until(at))
		}
		time.Sleep(4 * time.Second)
		events(t, h, PresenceEvent{"", "ann", false})
	})
}

// A user that comes and goes all the time takes one place among the leaving,
// and each due time wakes the one who waits for the first.
func TestFlappingUser(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		wakes := 0
		h := New(Options{Grace: time.Minute, Wake: func() { wakes++ }})
		for i := range 1000 {
			m, _ := add(t, h, nil, "r")
			h.Identify(m, "ann")
			h.Remove(m)
			time.Sleep(time.Millisecond)
			if i%100 == 0 {
				h.TakePresence(time.Now())
			}
		}
		if len(h.leaving) > 2 || len(h.changed) > 2 {
			t.Errorf("%d entries leaving and %d changed, want at most one a room", len(h.leaving), len(h.changed))
		}
		if wakes > 10 {
			t.Errorf("%d wakes, want a few", wakes)
		}
		time.Sleep(2 * time.Minute)
		h.TakePresence(time.Now())
		events(t, h)
		if h.Rooms() != 0 || len(h.leaving) != 0 {
			t.Error("something stays")
		}
	})
}

func TestLeavingIsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h := New(Options{Grace: time.Minute})
		var want []PresenceEvent
		var ms []*Member
		for i := range 20 {
			m, _ := add(t, h, nil)
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
			at, ok := h.Due()
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

func TestLooks(t *testing.T) {
	h := New(Options{MaxRooms: 2})
	m, s := add(t, h, nil, "b", "a")
	n, _ := add(t, h, nil, "b")
	if err := h.Join(m, "a"); err != nil {
		t.Errorf("joining twice: %v", err)
	}
	if err := h.Join(m, "c"); !errors.Is(err, ErrTooManyRooms) {
		t.Errorf("a third room: %v, want ErrTooManyRooms", err)
	}
	if got := h.RoomsOf(m); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("rooms %q, want b and a", got)
	}
	if !h.In(m, "a") || h.In(n, "a") || h.In(m, "c") {
		t.Error("In is wrong")
	}
	if h.Size([]byte("b")) != 2 || h.Size([]byte("c")) != 0 || h.Rooms() != 2 || h.Len() != 2 {
		t.Error("a count is wrong")
	}
	if got := h.MembersOf("b"); !slices.Equal(got, []uint64{m.ID, n.ID}) || h.MembersOf("c") != nil {
		t.Errorf("members %v", got)
	}
	if h.Member(m.ID) != m || h.Member(1<<60) != nil || m.Sink() != Sink(s) || len(h.Members()) != 2 {
		t.Error("Member, Sink or Members is wrong")
	}
	h.Remove(m)
	if err := h.Join(m, "late"); err != nil || h.Rooms() != 1 || h.Member(m.ID) != nil {
		t.Error("a member that was removed is there again")
	}
	if got := h.RoomsOf(m); got != nil {
		t.Errorf("a member that was removed is in %q", got)
	}
	if h.Present("no such room") != nil {
		t.Error("somebody is present in no room")
	}
}

// TestTold: a user is listed until the going is told.
func TestTold(t *testing.T) {
	h := New(Options{})
	m, _ := add(t, h, nil, "r")
	h.Identify(m, "ann")
	want := func(told ...string) {
		t.Helper()
		if got := h.Told("r"); !slices.Equal(got, told) {
			t.Errorf("told %v, want %v", got, told)
		}
	}
	want("ann") // although nobody was told yet
	h.TakePresence(time.Now())
	add(t, h, nil, "r") // so that there is a room
	h.Identify(m, "bob")
	want("ann", "bob")
	h.Identify(m, "ann")
	want("ann")
	events(t, h)
	h.Leave(m, "r")
	want("ann")
	events(t, h, PresenceEvent{"r", "ann", false})
	want()
}
