package hub

// Sink takes the frames for one connection.
type Sink interface {
	// Deliver takes one or more whole frames. It must not block, must not call
	// the Hub, and must not keep p.
	Deliver(p []byte)
}

// Member is a connection in a hub. It must not be copied after Hub.Add.
type Member struct {
	ID   uint64
	sink Sink
	v1   bool // the client speaks azuhost.v1 (docs/PROTOCOL.md) and gets positions

	// guarded by Hub.mu
	user        string
	memberships []*membership // the first one is that in Hub.all
}

// membership is a member in a room.
type membership struct {
	member *Member
	room   *Room
	index  int // in room.memberships, or removed; guarded by room.mu
}

// removed is the index of a membership that has ended.
const removed = -1

// MakeMember returns a member that is in no hub yet. v1 says that the client
// speaks azuhost.v1.
func MakeMember(id uint64, s Sink, v1 bool) Member {
	return Member{ID: id, sink: s, v1: v1}
}

// Sink returns the sink that MakeMember was given.
func (m *Member) Sink() Sink { return m.sink }

// in returns the membership of m in r, nil if there is none; Hub.mu is held.
func (m *Member) in(r *Room) *membership {
	for _, s := range m.memberships {
		if s.room == r {
			return s
		}
	}
	return nil
}
