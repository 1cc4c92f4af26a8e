package hub

// TopicKind says whom a topic is for.
type TopicKind uint8

// The kinds of topics.
const (
	RoomTopic TopicKind = iota
	UserTopic
)

// place is what an entry of the journal is about: a room's size, or a user's
// presence in it.
type place struct{ room, user string }

// Change is an entry of the journal: how it is now.
type Change struct {
	Room, User string
	Here       bool // the user is present, as TakePresence has said last
	Size       int  // without a user: the connections in the room
}

func (h *Hub) topic(k TopicKind, name string, here bool) {
	if h.opts.Topics != nil {
		h.opts.Topics(k, name, here)
	}
}

// sized notes that the number of connections in a room has changed; mu is held.
func (h *Hub) sized(r *Room) {
	if r != h.all {
		h.write(r.Name, "")
	}
}

// write notes a change; mu is held.
func (h *Hub) write(room, user string) {
	if !h.opts.Journal {
		return
	}
	if h.journal == nil {
		h.journal = map[place]struct{}{}
	}
	if len(h.journal) == 0 {
		h.wake()
	}
	h.journal[place{room, user}] = struct{}{}
}

// Rewrite puts entries back, for TakeJournal to say again how they are.
func (h *Hub) Rewrite(entries []Change) {
	if len(entries) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range entries {
		h.write(c.Room, c.User)
	}
}

// TakeJournal says how everything is now that has changed since the last call.
// What is still to come, such as the end of a grace, is not in it, and neither are users whom
// TakePresence has not told of: other nodes hear of them after this one.
func (h *Hub) TakeJournal() []Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.journal) == 0 {
		return nil
	}
	out := make([]Change, 0, len(h.journal))
	for p := range h.journal {
		c := Change{Room: p.room, User: p.user}
		r := h.all
		if p.room != "" {
			r = h.rooms[p.room]
		}
		switch {
		case r == nil:
		case p.user == "":
			c.Size = r.Size()
		default:
			if u := r.present[p.user]; u != nil {
				c.Here = u.told
			}
		}
		out = append(out, c)
	}
	clear(h.journal)
	return out
}
