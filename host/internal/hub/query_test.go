package hub

import (
	"slices"
	"testing"
	"time"
)

func TestQueries(t *testing.T) {
	h := New(Options{})
	m, s := add(h, nil, "b", "a", "a")
	n, _ := add(h, nil, "b")
	if got := h.RoomsOf(m); !slices.Equal(got, []string{"b", "a"}) {
		t.Errorf("rooms %q, want b and a", got)
	}
	if !h.IsMember(m, "a") || h.IsMember(n, "a") || h.IsMember(m, "c") {
		t.Error("IsMember is wrong")
	}
	if h.RoomSize([]byte("b")) != 2 || h.RoomSize([]byte("c")) != 0 || h.Rooms() != 2 || h.Len() != 2 {
		t.Error("a count is wrong")
	}
	if got := h.RoomMemberIDs("b"); !slices.Equal(got, []uint64{m.ID, n.ID}) || h.RoomMemberIDs("c") != nil {
		t.Errorf("members %v", got)
	}
	if h.Member(m.ID) != m || h.Member(1<<60) != nil || m.Sink() != Sink(s) || len(h.Members()) != 2 {
		t.Error("Member, Sink or Members is wrong")
	}
	h.Remove(m)
	h.Join(m, "late")
	if h.Rooms() != 1 || h.Member(m.ID) != nil {
		t.Error("a removed member is in the hub")
	}
	if got := h.RoomsOf(m); got != nil {
		t.Errorf("a removed member is in %q", got)
	}
	if h.Present("no such room") != nil {
		t.Error("users are present in a room that does not exist")
	}
}

// Announced lists a user until the leave is announced.
func TestAnnounced(t *testing.T) {
	h := New(Options{})
	m, _ := add(h, nil, "r")
	h.Identify(m, "ann")
	want := func(users ...string) {
		t.Helper()
		if got := h.Announced("r"); !slices.Equal(got, users) {
			t.Errorf("announced are %v, want %v", got, users)
		}
	}
	want("ann") // before the join is announced
	h.TakePresence(time.Now())
	add(h, nil, "r") // keeps the room
	h.Identify(m, "bob")
	want("ann", "bob")
	h.Identify(m, "ann")
	want("ann")
	wantEvents(t, h)
	h.Leave(m, "r")
	want("ann")
	wantEvents(t, h, PresenceEvent{"r", "ann", false})
	want()
}
