package hub

// Turn gathers what one goroutine sends while it works through the input that
// it has, and delivers it in Flush: each member of a room then gets all of it
// in one write. A Turn belongs to one goroutine. The zero value is not usable:
// set Hub.
type Turn struct {
	Hub    *Hub
	dirty  []*Room
	frames int
	bytes  int
}

// Broadcast sends a frame to the members of a room but except (0: to all).
func (t *Turn) Broadcast(room []byte, frame []byte, except uint64) {
	if r := t.Hub.room(room); r != nil {
		t.to(r, frame, except)
	}
}

// BroadcastAll sends a frame to all connections but except (0: to all).
func (t *Turn) BroadcastAll(frame []byte, except uint64) { t.to(t.Hub.all, frame, except) }

func (t *Turn) to(r *Room, frame []byte, except uint64) {
	full := r.add(frame, except)
	t.soil(r)
	if full {
		r.flush()
	}
}

// Send sends a frame to one member, behind what waits for it in a room.
func (t *Turn) Send(m *Member, frame []byte) {
	if t.Hub.busy.Load() > 0 && t.behind(m, frame, nil) {
		return
	}
	m.sink.Deliver(frame)
	t.frames++
	t.bytes += len(frame)
}

// SendUser sends a frame to every connection of a user.
func (t *Turn) SendUser(user, frame []byte) {
	for _, m := range t.Hub.Conns(user) {
		t.Send(m, frame)
	}
}

// After calls f when everything sent to m before has been delivered to its sink.
func (t *Turn) After(m *Member, f func()) {
	if t.Hub.busy.Load() > 0 && t.behind(m, nil, f) {
		return
	}
	f()
}

// Flush delivers what waits in the rooms of this turn.
func (t *Turn) Flush() {
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
func (t *Turn) soil(r *Room) {
	for _, d := range t.dirty {
		if d == r {
			return
		}
	}
	t.dirty = append(t.dirty, r)
}

// behind puts a frame for m, or a call, behind what waits in the last busy
// room of m. Messages to one connection and to one room of it so keep their
// order; between two rooms there is none.
func (t *Turn) behind(m *Member, frame []byte, then func()) bool {
	h := t.Hub
	h.mu.RLock()
	seats := m.seats
	var busy [8]*Room
	n := 0
	for i := len(seats) - 1; i >= 0 && n < len(busy); i-- {
		busy[n] = seats[i].room
		n++
	}
	h.mu.RUnlock()
	for _, r := range busy[:n] {
		if r.insert(m, frame, then) {
			t.soil(r)
			return true
		}
	}
	return false
}
