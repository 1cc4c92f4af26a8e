package hub

import (
	"sync/atomic"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Outbox gathers what one goroutine sends while it works through the input that
// it has, and delivers it in Flush: each member of a room then gets all of it
// in one write. An Outbox belongs to one goroutine. The zero value is not usable:
// set Hub.
type Outbox struct {
	Hub *Hub
	// Reached counts the connections that Broadcast, BroadcastAll, Send and
	// SendUser were for, each as often as there were frames for it. Nobody sets it back.
	Reached int

	// At is the position of the last message that a room of a history got.
	At frame.Position

	dirty  []*Room
	frames int
	bytes  int
}

// Broadcast sends a frame to the members of a room but except (0: to all), and
// says how many those are.
func (t *Outbox) Broadcast(room []byte, f []byte, except uint64) int {
	h := t.Hub
	h.mu.RLock()
	if r := h.rooms[string(room)]; r != nil {
		return t.to(r, f, except, frame.Position{})
	}
	if h.history != nil {
		if at := h.history.append(string(room), f, except); at.Offset > 0 {
			t.At = at
		}
	}
	h.mu.RUnlock()
	return 0
}

// BroadcastAll sends a frame to all connections but except (0: to all), and
// says how many those are.
func (t *Outbox) BroadcastAll(f []byte, except uint64) int {
	t.Hub.mu.RLock()
	return t.to(t.Hub.all, f, except, frame.Position{})
}

// Deliver is Broadcast for a message that a history elsewhere has numbered.
func (t *Outbox) Deliver(room []byte, f []byte, except uint64, at frame.Position) int {
	t.Hub.mu.RLock()
	if r := t.Hub.rooms[string(room)]; r != nil {
		return t.to(r, f, except, at)
	}
	t.Hub.mu.RUnlock()
	return 0
}

// Pass says that the members of a room have the message at a position already.
func (t *Outbox) Pass(room []byte, at frame.Position) {
	if r := t.Hub.room(room); r != nil {
		r.pass(at)
		t.soil(r)
	}
}

// Place says where a room whose history is elsewhere stands.
func (h *Hub) Place(room string, p frame.Position) {
	if r := h.Room(room); r != nil && r.settle(p) {
		r.flush()
	}
}

// to sends a frame to a room that was found under Hub.mu, which it unlocks: until the
// frame is in, the room must not end and another of the name begin, whose members it would miss.
func (t *Outbox) to(r *Room, f []byte, except uint64, at frame.Position) int {
	n, at, full := r.add(f, except, at)
	if n > 0 && except != 0 && t.Hub.seated(except, r) {
		n--
	}
	t.Hub.mu.RUnlock()
	if at.Offset > 0 {
		t.At = at
	}
	t.Reached += n
	t.soil(r)
	if full {
		r.flush()
	}
	return n
}

// seated says whether a connection is a member of a room; mu is held.
func (h *Hub) seated(id uint64, r *Room) bool {
	m := h.members[id]
	return m != nil && m.seatIn(r) != nil
}

// Send sends a frame to one member, behind what waits for it in its rooms.
func (t *Outbox) Send(m *Member, f []byte) {
	if m.tagged {
		f = frame.Escaped(f)
	}
	t.Reached++
	t.Control(m, f)
}

// Control is Send for frames that are as they have to be: control messages, and
// data of a history.
func (t *Outbox) Control(m *Member, f []byte) {
	if t.Hub.busy.Load() > 0 && t.behind(m, f, nil) {
		return
	}
	m.sink.Deliver(f)
	t.frames++
	t.bytes += len(f)
}

// SendUser sends a frame to every connection of a user, and says how many
// those are.
func (t *Outbox) SendUser(user, f []byte) int {
	conns := t.Hub.Conns(user)
	for _, m := range conns {
		t.Send(m, f)
	}
	return len(conns)
}

// After calls f when everything sent to m before has been delivered to its sink.
func (t *Outbox) After(m *Member, f func()) {
	if t.Hub.busy.Load() > 0 && t.behind(m, nil, f) {
		return
	}
	f()
}

// Flush delivers what waits in the rooms of this outbox.
func (t *Outbox) Flush() {
	for i := 0; i < len(t.dirty); i++ {
		t.dirty[i].flush()
		t.dirty[i] = nil
	}
	t.dirty = t.dirty[:0]
	if t.frames > 0 && t.Hub.opts.Sent != nil {
		t.Hub.opts.Sent(t.frames, t.bytes)
	}
	t.frames, t.bytes = 0, 0
}

// soil remembers a room for Flush.
func (t *Outbox) soil(r *Room) {
	for _, d := range t.dirty {
		if d == r {
			return
		}
	}
	t.dirty = append(t.dirty, r)
}

// behind puts a frame for m, or a call, behind everything that waits for m:
// what was sent before, to it or to any room of it, reaches it before. It
// reports false when nothing waits.
func (t *Outbox) behind(m *Member, f []byte, then func()) bool {
	t.Hub.mu.RLock()
	var last *seat
	n := 0
	for _, s := range m.seats {
		if s.room.waits() {
			last = s
			n++
		}
	}
	var ok, full bool
	switch n {
	case 0:
	case 1:
		if ok, full = last.room.insert(last, f, then); ok {
			t.soil(last.room)
		}
	default:
		ok = true
		t.behindAll(m, f, then)
	}
	t.Hub.mu.RUnlock()
	if full {
		last.room.flush()
	}
	return ok
}

// behindAll is behind for a member with several busy rooms; Hub.mu is held.
func (t *Outbox) behindAll(m *Member, f []byte, then func()) {
	g := &gate{member: m, frame: append([]byte(nil), f...), then: then}
	g.closed.Store(1)
	for _, s := range m.seats {
		g.closed.Add(1)
		if ok, _ := s.room.insert(s, nil, g.open); ok {
			t.soil(s.room)
		} else {
			g.closed.Add(-1)
		}
	}
	if len(f) > 0 {
		t.frames++
		t.bytes += len(f)
	}
	g.open()
}

// gate holds what goes to a member until each of its rooms has delivered what
// was sent before.
type gate struct {
	member *Member
	frame  []byte
	then   func()
	closed atomic.Int32 // by so many rooms, and by the one who makes it
}

func (g *gate) open() {
	if g.closed.Add(-1) > 0 {
		return
	}
	if len(g.frame) > 0 {
		g.member.sink.Deliver(g.frame)
	}
	if g.then != nil {
		g.then()
	}
}
