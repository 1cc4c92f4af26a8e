package hub

import (
	"maps"
	"slices"
)

// find returns a room, nil if it does not exist. The empty name stands for the
// room of all members. mu is held.
func (h *Hub) find(room string) *Room {
	if room == "" {
		return h.all
	}
	return h.rooms[room]
}

// Len returns the number of connections.
func (h *Hub) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.members)
}

// Members returns all connections, in no order.
func (h *Hub) Members() []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.AppendSeq(make([]*Member, 0, len(h.members)), maps.Values(h.members))
}

// MemberIDs returns the ids of all connections, in no order.
func (h *Hub) MemberIDs() []uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.AppendSeq(make([]uint64, 0, len(h.members)), maps.Keys(h.members))
}

// MembersOfUser returns the connections of a user.
func (h *Hub) MembersOfUser(user []byte) []*Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Clone(h.users[string(user)])
}

// User returns the user of m, empty if it has none.
func (h *Hub) User(m *Member) string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return m.user
}

// Rooms returns the number of rooms.
func (h *Hub) Rooms() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.rooms)
}

// RoomNames returns the names of all rooms, sorted.
func (h *Hub) RoomNames() []string {
	h.mu.RLock()
	names := slices.AppendSeq(make([]string, 0, len(h.rooms)), maps.Keys(h.rooms))
	h.mu.RUnlock()
	slices.Sort(names)
	return names
}

// RoomsOf returns the rooms of m in the order in which it joined them.
func (h *Hub) RoomsOf(m *Member) []string {
	h.mu.RLock()
	defer h.mu.RUnlock()
	var names []string
	for _, s := range m.memberships {
		if s.room != h.all {
			names = append(names, s.room.Name)
		}
	}
	return names
}

// RoomsAfter returns how many rooms m is in now, and how many it would be in
// after changes: true joins a room, false leaves it.
func (h *Hub) RoomsAfter(m *Member, changes map[string]bool) (now, after int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	now = max(len(m.memberships)-1, 0) // Hub.all does not count
	after = now
	for room, join := range changes {
		r := h.rooms[room]
		switch isIn := r != nil && m.in(r) != nil; {
		case join && !isIn:
			after++
		case isIn && !join:
			after--
		}
	}
	return now, after
}

// IsMember reports whether m is a member of a room.
func (h *Hub) IsMember(m *Member, room string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.rooms[room]
	return r != nil && m.in(r) != nil
}

// RoomSize returns the number of connections in a room.
func (h *Hub) RoomSize(room []byte) int {
	if r := h.roomOf(room); r != nil {
		return r.Size()
	}
	return 0
}

// RoomMemberIDs returns the ids of the connections in a room, sorted.
func (h *Hub) RoomMemberIDs(room string) []uint64 {
	r := h.Room(room)
	if r == nil {
		return nil
	}
	ids := r.memberIDs()
	slices.Sort(ids)
	return ids
}

// Count returns the number of connections in a room, and of users present in it.
func (h *Hub) Count(room string) (conns, users int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.rooms[room]
	if r == nil {
		return 0, 0
	}
	for _, p := range r.present {
		if p.present {
			users++
		}
	}
	return r.Size(), users
}

// Online reports whether a user is present in the channel.
func (h *Hub) Online(user string) bool { return h.IsPresent("", user) }

// IsPresent reports whether a user is present in a room. An empty room is the
// channel.
func (h *Hub) IsPresent(room, user string) bool {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.find(room)
	if r == nil {
		return false
	}
	p := r.present[user]
	return p != nil && p.present
}

// Present returns the users present in a room, sorted. An empty room is the
// channel.
func (h *Hub) Present(room string) []string {
	names := h.AppendPresent(nil, room)
	slices.Sort(names)
	return names
}

// AppendPresent appends the users present in a room, in no order. An empty
// room is the channel.
func (h *Hub) AppendPresent(names []string, room string) []string {
	return h.appendUsers(names, room, func(p *presence) bool { return p.present })
}

// Announced returns the users that TakePresence has announced as present in a
// room, plus those present now, sorted. TakePresence reports the leave of each
// of them, unless they come back before.
func (h *Hub) Announced(room string) []string {
	names := h.appendUsers(nil, room, func(p *presence) bool { return p.present || p.announced })
	slices.Sort(names)
	return names
}

// appendUsers appends the users of a room for which listed returns true.
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

// CountPresent returns the number of users in a room, including those whose
// leave TakePresence has not reported yet. An empty room is the channel.
func (h *Hub) CountPresent(room string) int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	if r := h.find(room); r != nil {
		return len(r.present)
	}
	return 0
}

// CountAbsent returns the number of the given rooms that do not have the user
// yet. The empty name is the channel.
func (h *Hub) CountAbsent(user string, rooms []string) (n int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, room := range rooms {
		if r := h.find(room); r == nil || r.present[user] == nil {
			n++
		}
	}
	return n
}

// Presences returns the sum of CountPresent over the channel and its rooms.
func (h *Hub) Presences() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.presences
}
