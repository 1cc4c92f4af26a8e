package hub

import (
	"maps"
	"slices"
)

// User is the user of m, empty where there is none.
func (h *Hub) User(m *Member) string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return m.user
}

// RoomsOf lists the rooms of m in the order of joining.
func (h *Hub) RoomsOf(m *Member) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var names []string
	for _, s := range m.seats {
		if s.room != h.all {
			names = append(names, s.room.Name)
		}
	}
	return names
}

// In says whether m is a member of a room.
func (h *Hub) In(m *Member, room string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.rooms[room]
	return r != nil && m.seatIn(r) != nil
}

// Size counts the connections in a room.
func (h *Hub) Size(room []byte) int {
	if r := h.room(room); r != nil {
		return r.Size()
	}
	return 0
}

// MembersOf lists the connections in a room, sorted by id.
func (h *Hub) MembersOf(room string) []uint64 {
	r := h.Room(room)
	if r == nil {
		return nil
	}
	ids := r.ids()
	slices.Sort(ids)
	return ids
}

func (r *Room) ids() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]uint64, len(r.seats))
	for i, s := range r.seats {
		ids[i] = s.member.ID
	}
	return ids
}

// Present lists the users in a room, sorted. An empty name: in the channel.
func (h *Hub) Present(room string) []string {
	names := h.AppendPresent(nil, room)
	slices.Sort(names)
	return names
}

// Told is Present with those of whose going TakePresence has not told yet. It will not, where they
// come back before: who goes by what it tells does not hear of them again.
func (h *Hub) Told(room string) []string {
	names := h.appendUsers(nil, room, func(p *presence) bool { return p.here || p.told })
	slices.Sort(names)
	return names
}

// AppendPresent adds the users in a room to names, in no order. An empty name: in the channel.
func (h *Hub) AppendPresent(names []string, room string) []string {
	return h.appendUsers(names, room, func(p *presence) bool { return p.here })
}

// appendUsers adds the users of a room that are to be listed, in no order.
func (h *Hub) appendUsers(names []string, room string, listed func(*presence) bool) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.find(room)
	if r == nil {
		return names
	}
	names = slices.Grow(names, len(r.present))
	for name, p := range r.present {
		if listed(p) {
			names = append(names, name)
		}
	}
	return names
}

// CountPresent counts the users in a room, and those who have just left it. An empty name:
// in the channel.
func (h *Hub) CountPresent(room string) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if r := h.find(room); r != nil {
		return len(r.present)
	}
	return 0
}

// Absences counts, of some rooms, those that would have a user more if this one came. The
// empty name is the channel.
func (h *Hub) Absences(user string, rooms []string) (n int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, room := range rooms {
		if r := h.find(room); r == nil || r.present[user] == nil {
			n++
		}
	}
	return n
}

// RoomsAfter counts the rooms of m, and how many there would be if it was made to be
// in some and not to be in others.
func (h *Hub) RoomsAfter(m *Member, to map[string]bool) (now, then int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	now = max(len(m.seats)-1, 0) // without the one in h.all
	then = now
	for room, in := range to {
		r := h.rooms[room]
		switch is := r != nil && m.seatIn(r) != nil; {
		case in && !is:
			then++
		case is && !in:
			then--
		}
	}
	return now, then
}

// find gives a room, nil where it has nobody; an empty name: that of all. mu is held.
func (h *Hub) find(room string) *Room {
	if room == "" {
		return h.all
	}
	return h.rooms[room]
}

// Online says whether a user is present in the channel.
func (h *Hub) Online(user string) bool { return h.Here("", user) }

// Here says whether a user is present in a room; an empty name: in the channel.
func (h *Hub) Here(room, user string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.find(room)
	if r == nil {
		return false
	}
	p := r.present[user]
	return p != nil && p.here
}

// Presences counts the users in the channel and in each of its rooms, those
// in their grace included.
func (h *Hub) Presences() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.present
}

// Conns lists the connections of a user.
func (h *Hub) Conns(user []byte) []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Clone(h.users[string(user)])
}

// Members lists all connections.
func (h *Hub) Members() []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.AppendSeq(make([]*Member, 0, len(h.members)), maps.Values(h.members))
}
