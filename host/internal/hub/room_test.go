package hub

import (
	"slices"
	"testing"
)

func TestNewMemberGetsNoEarlierFrames(t *testing.T) {
	h := New(Options{})
	_, s0 := add(h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), 0)
	m, s := add(h, nil, "r")
	outbox.Broadcast([]byte("r"), text("2"), 0)
	outbox.Send(m, text("3"))
	outbox.Flush()
	wantTexts(t, "the first member", s0, "1", "2")
	wantTexts(t, "the second member", s, "2", "3")
}

func TestLeaveDeliversFirst(t *testing.T) {
	h := New(Options{})
	m, s := add(h, nil, "r")
	_, s2 := add(h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Send(m, text("2"))
	h.Leave(m, "r")
	wantTexts(t, "the member that left", s, "1", "2")
	outbox.Broadcast([]byte("r"), text("3"), 0)
	outbox.Flush()
	wantTexts(t, "the member that left", s, "1", "2")
	wantTexts(t, "the member that stayed", s2, "1", "3")
	h.Leave(m, "r")
	h.Leave(m, "no such room")
}

// leaveWithoutDrain is the second half of Hub.Leave.
func leaveWithoutDrain(h *Hub, m *Member, room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	r := h.rooms[room]
	s := m.in(r)
	m.memberships = slices.DeleteFunc(m.memberships, func(x *membership) bool { return x == s })
	r.deliverAndRemove(s)
}

// A frame that is sent between the two halves of Leave comes after frames that are
// being delivered.
func TestLeaveWaitsForTheDeliverer(t *testing.T) {
	h := New(Options{})
	start, done := busyRoom(h, "r")
	m, s := add(h, nil, "r")
	r := h.Room("r")
	start()
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("2"), 0)
	left := make(chan struct{})
	go func() { defer close(left); leaveWithoutDrain(h, m, "r") }()
	until(func() bool {
		select {
		case <-left:
			return true
		default:
			return waiters(r) == 1
		}
	})
	done()
	<-left
	outbox.Flush()
	wantTexts(t, "the member that left", s, "in r", "2")
}

// A member that comes back at once gets nothing twice.
func TestRejoin(t *testing.T) {
	h := New(Options{})
	m, s := add(h, nil, "r")
	add(h, nil, "r")
	outbox := Outbox{Hub: h}
	outbox.Broadcast([]byte("r"), text("1"), 0)
	outbox.Send(m, text("2"))
	leaveWithoutDrain(h, m, "r")
	h.Join(m, "r")
	outbox.Broadcast([]byte("r"), text("3"), 0)
	outbox.Flush()
	wantTexts(t, "the member", s, "1", "2", "3")
}

// A busy room takes no message for a member that has left it.
func TestAppendForAfterLeaving(t *testing.T) {
	h := New(Options{})
	m, _ := add(h, nil, "r")
	add(h, nil, "r")
	r := h.Room("r")
	s := m.in(r)
	outbox := Outbox{Hub: h}
	h.Leave(m, "r")
	outbox.Broadcast([]byte("r"), text("1"), 0)
	if ok, _ := r.appendFor(s, text("2"), nil); ok {
		t.Error("a room has taken a message for a member that left it")
	}
	outbox.Flush()
}
