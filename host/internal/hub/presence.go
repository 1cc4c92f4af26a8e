package hub

import (
	"slices"
	"time"
)

// presence is a user in a room. All fields are guarded by Hub.mu. It outlives
// the last connection of the user by the grace, so that reloading a page is no
// leave.
type presence struct {
	room      *Room
	user      string
	conns     int       // connections of the user in the room
	present   bool      // conns > 0, or within the grace
	announced bool      // present as of the last event
	inChanged bool      // is in Hub.changed
	inLeaving bool      // is in Hub.leaving
	graceEnd  time.Time // while conns is 0 and the user is present
}

// graceEnd is an entry of Hub.leaving: the time at which endGraces examines p.
type graceEnd struct {
	at time.Time
	p  *presence
}

func compareTime(g graceEnd, at time.Time) int { return g.at.Compare(at) }

// PresenceEvent is a user that joined a room or left it. An empty Room is the
// channel as a whole.
type PresenceEvent struct {
	Room, User string
	Join       bool
}

// addUserConn counts a connection of a user in a room; mu is held.
func (h *Hub) addUserConn(r *Room, user string) {
	p := r.present[user]
	if p == nil {
		if r.present == nil {
			r.present = map[string]*presence{}
		}
		p = &presence{room: r, user: user}
		r.present[user] = p
		h.presences++
	}
	p.conns++
	if !p.present {
		p.present = true
		h.markChanged(p)
	}
}

// removeUserConn uncounts a connection of a user in a room. The last one
// starts the grace. mu is held.
func (h *Hub) removeUserConn(r *Room, user string) {
	p := r.present[user]
	if p == nil {
		return
	}
	if p.conns--; p.conns > 0 {
		return
	}
	if h.opts.Grace <= 0 {
		p.present = false
		h.markChanged(p)
		return
	}
	p.graceEnd = h.now().Add(h.opts.Grace)
	if !p.inLeaving {
		p.inLeaving = true
		h.insertLeaving(p)
	}
}

// insertLeaving inserts p into leaving, behind entries of the same time; mu is
// held.
func (h *Hub) insertLeaving(p *presence) {
	i, _ := slices.BinarySearchFunc(h.leaving, p.graceEnd.Add(1), compareTime)
	h.leaving = slices.Insert(h.leaving, i, graceEnd{p.graceEnd, p})
	if i == 0 {
		h.wake()
	}
}

// markChanged has the next TakePresence examine p; mu is held.
func (h *Hub) markChanged(p *presence) {
	if p.inChanged {
		return
	}
	p.inChanged = true
	h.changed = append(h.changed, p)
	h.wake()
}

func (h *Hub) wake() {
	if h.opts.Wake != nil {
		h.opts.Wake()
	}
}

// NextGraceEnd returns the time at which TakePresence has to be called next.
// ok is false if no user is within the grace.
func (h *Hub) NextGraceEnd() (at time.Time, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if len(h.leaving) == 0 {
		return time.Time{}, false
	}
	return h.leaving[0].at, true
}

// TakePresence ends the graces that are over at now. It returns the joins and
// leaves since the last call, in the order in which each user first changed in
// a room. A user that came and went in between is not reported. The number of
// events is therefore bounded by the number of users.
func (h *Hub) TakePresence(now time.Time) []PresenceEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.endGraces(now)
	var out []PresenceEvent
	for _, p := range h.changed {
		p.inChanged = false
		if p.present != p.announced {
			p.announced = p.present
			h.record(p.room.Name, p.user)
			out = append(out, PresenceEvent{p.room.Name, p.user, p.present})
		}
		if !p.present && p.room.present[p.user] == p {
			delete(p.room.present, p.user)
			h.presences--
			h.prune(p.room)
		}
	}
	clear(h.changed)
	h.changed = h.changed[:0]
	return out
}

// endGraces takes the entries of leaving that are due at now. A user that came
// back stays present. One that came back and left again has a later graceEnd,
// and gets a new entry. mu is held.
func (h *Hub) endGraces(now time.Time) {
	n := 0
	var later []*presence
	for ; n < len(h.leaving) && !h.leaving[n].at.After(now); n++ {
		p := h.leaving[n].p
		p.inLeaving = false
		switch {
		case p.conns > 0:
		case p.graceEnd.After(now):
			later = append(later, p)
		default:
			p.present = false
			h.markChanged(p)
		}
	}
	h.leaving = slices.Delete(h.leaving, 0, n)
	for _, p := range later {
		p.inLeaving = true
		h.insertLeaving(p)
	}
}
