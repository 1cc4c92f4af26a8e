package hub

import (
	"maps"
	"slices"
)

// RoomNames lists the rooms that have members, or users within the grace,
// sorted.
func (h *Hub) RoomNames() []string {
	h.mu.RLock()
	names := slices.AppendSeq(make([]string, 0, len(h.rooms)), maps.Keys(h.rooms))
	h.mu.RUnlock()
	slices.Sort(names)
	return names
}

// Count counts the connections in a room and the users present in it.
func (h *Hub) Count(room string) (conns, users int) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	r := h.rooms[room]
	if r == nil {
		return 0, 0
	}
	for _, p := range r.present {
		if p.here {
			users++
		}
	}
	return r.Size(), users
}

// IDs lists the ids of all connections, in no order.
func (h *Hub) IDs() []uint64 {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.AppendSeq(make([]uint64, 0, len(h.members)), maps.Keys(h.members))
}
