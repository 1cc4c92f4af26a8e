package hub

import "github.com/azuhost/azuhost/host/internal/frame"

// Outbox collects what one goroutine sends while it works through its input.
// Flush delivers it: each member of a room then gets all of it in one write. An
// Outbox belongs to one goroutine. Hub must be set.
type Outbox struct {
	Hub *Hub
	// Reached counts the connections that Broadcast, BroadcastAll, BroadcastAt,
	// Send and SendUser have sent to, each once per frame. The Outbox never
	// resets it.
	Reached int
	// LastPosition is the position of the last message to a room with a history.
	LastPosition frame.Position

	pending []*Room // to be flushed
	frames  int     // that went to sinks directly, since the last Flush
	bytes   int     // of those frames
}

// Broadcast sends a frame to the members of a room but except; 0 excepts
// nobody. It returns the number of recipients. A history in this hub keeps the
// frame even if the room has no members.
func (o *Outbox) Broadcast(room []byte, f []byte, except uint64) int {
	h := o.Hub
	h.mu.RLock()
	if r := h.rooms[string(room)]; r != nil {
		return o.broadcastUnlock(r, f, except, frame.Position{})
	}
	if h.history != nil {
		if at := h.history.append(string(room), f, except); at.Offset > 0 {
			o.LastPosition = at
		}
	}
	h.mu.RUnlock()
	return 0
}

// BroadcastAll sends a frame to all connections but except; 0 excepts nobody.
// It returns the number of recipients.
func (o *Outbox) BroadcastAll(f []byte, except uint64) int {
	o.Hub.mu.RLock()
	return o.broadcastUnlock(o.Hub.all, f, except, frame.Position{})
}

// BroadcastAt is Broadcast for a message that an external history has numbered.
func (o *Outbox) BroadcastAt(room []byte, f []byte, except uint64, at frame.Position) int {
	o.Hub.mu.RLock()
	if r := o.Hub.rooms[string(room)]; r != nil {
		return o.broadcastUnlock(r, f, except, at)
	}
	o.Hub.mu.RUnlock()
	return 0
}

// broadcastUnlock sends a frame to a room. Hub.mu is read-locked, and unlocked
// before the delivery. Until the frame is in the batch, the lock keeps the room
// from being replaced by another one of the same name.
func (o *Outbox) broadcastUnlock(r *Room, f []byte, except uint64, at frame.Position) int {
	n, at, full := r.append(f, except, at)
	if n > 0 && except != 0 && o.Hub.isMemberID(except, r) {
		n--
	}
	o.Hub.mu.RUnlock()
	if at.Offset > 0 {
		o.LastPosition = at
	}
	o.Reached += n
	o.markPending(r)
	if full {
		r.flush()
	}
	return n
}

// isMemberID reports whether a connection is a member of a room; mu is held.
func (h *Hub) isMemberID(id uint64, r *Room) bool {
	m := h.members[id]
	return m != nil && m.in(r) != nil
}

// SkipPosition says that the members of a room have the message at a position
// of an external history already.
func (o *Outbox) SkipPosition(room []byte, at frame.Position) {
	if r := o.Hub.roomOf(room); r != nil {
		r.skip(at)
		o.markPending(r)
	}
}

// Send sends a data frame to one member, behind everything sent to its rooms
// before.
func (o *Outbox) Send(m *Member, f []byte) {
	if m.v1 {
		f = frame.Escaped(f)
	}
	o.Reached++
	o.SendRaw(m, f)
}

// SendRaw is Send for frames that need no escaping, such as control messages
// of azuhost.v1. It does not count in Reached.
func (o *Outbox) SendRaw(m *Member, f []byte) {
	if o.Hub.busyRooms.Load() > 0 && o.enqueue(m, f, nil) {
		return
	}
	m.sink.Deliver(f)
	o.frames++
	o.bytes += len(f)
}

// SendUser sends a data frame to every connection of a user. It returns their
// number.
func (o *Outbox) SendUser(user, f []byte) int {
	members := o.Hub.MembersOfUser(user)
	for _, m := range members {
		o.Send(m, f)
	}
	return len(members)
}

// After calls f when everything sent to m before has gone to its sink. f may
// run on another goroutine.
func (o *Outbox) After(m *Member, f func()) {
	if o.Hub.busyRooms.Load() > 0 && o.enqueue(m, nil, f) {
		return
	}
	f()
}

// Flush delivers what waits in the rooms that the outbox has sent to.
func (o *Outbox) Flush() {
	for i := 0; i < len(o.pending); i++ { // calls of After may add rooms
		o.pending[i].flush()
		o.pending[i] = nil
	}
	o.pending = o.pending[:0]
	if o.frames > 0 && o.Hub.opts.Sent != nil {
		o.Hub.opts.Sent(o.frames, o.bytes)
	}
	o.frames, o.bytes = 0, 0
}

// markPending has Flush flush a room.
func (o *Outbox) markPending(r *Room) {
	for _, p := range o.pending {
		if p == r {
			return
		}
	}
	o.pending = append(o.pending, r)
}

// enqueue puts a frame for m, a call, or both behind all undelivered frames of
// m's rooms. It returns false, and does nothing, if there are none.
func (o *Outbox) enqueue(m *Member, f []byte, then func()) bool {
	o.Hub.mu.RLock()
	var last *membership
	busy := 0
	for _, s := range m.memberships {
		if s.room.isBusy() {
			last = s
			busy++
		}
	}
	var ok, full bool
	switch busy {
	case 0:
	case 1:
		if ok, full = last.room.appendFor(last, f, then); ok {
			o.markPending(last.room)
		}
	default:
		ok = true
		o.enqueueBarrier(m, f, then)
	}
	o.Hub.mu.RUnlock()
	if full {
		last.room.flush()
	}
	return ok
}
