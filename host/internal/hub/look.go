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
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]uint64, len(r.seats))
	for i, s := range r.seats {
		ids[i] = s.member.ID
	}
	slices.Sort(ids)
	return ids
}

// Present lists the users in a room, sorted. An empty name: in the channel.
func (h *Hub) Present(room string) []string {
	return h.list(room, func(p *presence) bool { return p.here })
}

// Told is Present with those of whose going TakePresence has not told yet. It will not, where they
// come back before: who goes by what it tells does not hear of them again.
func (h *Hub) Told(room string) []string {
	return h.list(room, func(p *presence) bool { return p.here || p.told })
}

// list gives the users of a room that are to be listed, sorted.
func (h *Hub) list(room string, listed func(*presence) bool) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.all
	if room != "" {
		if r = h.rooms[room]; r == nil {
			return nil
		}
	}
	names := slices.AppendSeq(make([]string, 0, len(r.present)), maps.Keys(r.present))
	names = slices.DeleteFunc(names, func(n string) bool { return !listed(r.present[n]) })
	slices.Sort(names)
	return names
}

// Online says whether a user is present in the channel.
func (h *Hub) Online(user string) bool { return h.Here("", user) }

// Here says whether a user is present in a room; an empty name: in the channel.
func (h *Hub) Here(room, user string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.all
	if room != "" {
		if r = h.rooms[room]; r == nil {
			return false
		}
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
