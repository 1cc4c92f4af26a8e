package hub

import (
	"slices"
	"time"
)

// presence is a user in a room; guarded by Hub.mu. A user whose last
// connection went stays here for the grace: a page that reloads is no leave.
type presence struct {
	room  *Room
	user  string
	conns int       // connections of the user in the room
	here  bool      // conns > 0, or within the grace
	told  bool      // what the last event said
	noted bool      // is in Hub.changed
	due   bool      // is in Hub.leaving
	until time.Time // end of the grace, while conns is 0 and here
}

type leave struct {
	at time.Time
	p  *presence
}

func byTime(a leave, at time.Time) int { return a.at.Compare(at) }

// PresenceEvent is a user that came to a room or left it. Room is empty for
// the channel as a whole.
type PresenceEvent struct {
	Room, User string
	Join       bool
}

// more counts a connection of a user in a room; mu is held.
func (h *Hub) more(r *Room, user string) {
	p := r.present[user]
	if p == nil {
		if r.present == nil {
			r.present = map[string]*presence{}
		}
		p = &presence{room: r, user: user}
		r.present[user] = p
		h.present++
	}
	p.conns++
	if !p.here {
		p.here = true
		h.note(p)
	}
}

// less takes a connection of a user from a room; mu is held.
func (h *Hub) less(r *Room, user string) {
	p := r.present[user]
	if p == nil {
		return
	}
	if p.conns--; p.conns > 0 {
		return
	}
	if h.opts.Grace <= 0 {
		p.here = false
		h.note(p)
		return
	}
	p.until = h.now().Add(h.opts.Grace)
	if !p.due {
		p.due = true
		h.expect(p)
	}
}

// expect puts p in its place among those that leave; mu is held.
func (h *Hub) expect(p *presence) {
	i, _ := slices.BinarySearchFunc(h.leaving, p.until.Add(1), byTime)
	h.leaving = slices.Insert(h.leaving, i, leave{p.until, p})
	if i == 0 {
		h.wake()
	}
}

// note has TakePresence look at p; mu is held.
func (h *Hub) note(p *presence) {
	if p.noted {
		return
	}
	p.noted = true
	h.changed = append(h.changed, p)
	h.wake()
}

func (h *Hub) wake() {
	if h.opts.Wake != nil {
		h.opts.Wake()
	}
}

// Due is when the next grace ends; ok is false when nobody is leaving.
func (h *Hub) Due() (at time.Time, ok bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if len(h.leaving) == 0 {
		return time.Time{}, false
	}
	return h.leaving[0].at, true
}

// TakePresence ends the graces that are over at now and returns what changed
// since the last call, in the order in which it first changed. A user that
// came and went in between is not reported, so that what waits is bounded by
// the number of users.
func (h *Hub) TakePresence(now time.Time) []PresenceEvent {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.expire(now)
	var out []PresenceEvent
	for _, p := range h.changed {
		p.noted = false
		if p.here != p.told {
			p.told = p.here
			h.write(p.room.Name, p.user)
			out = append(out, PresenceEvent{p.room.Name, p.user, p.here})
		}
		if !p.here && p.room.present[p.user] == p {
			delete(p.room.present, p.user)
			h.present--
			h.prune(p.room)
		}
	}
	clear(h.changed)
	h.changed = h.changed[:0]
	return out
}

// expire ends the graces that are over; mu is held. An entry of a user that
// came back is void; one of a user that came back and left again waits on.
func (h *Hub) expire(now time.Time) {
	n := 0
	var again []*presence
	for ; n < len(h.leaving) && !h.leaving[n].at.After(now); n++ {
		p := h.leaving[n].p
		p.due = false
		switch {
		case p.conns > 0:
		case p.until.After(now):
			again = append(again, p)
		default:
			p.here = false
			h.note(p)
		}
	}
	h.leaving = slices.Delete(h.leaving, 0, n)
	for _, p := range again {
		p.due = true
		h.expect(p)
	}
}
