package hub

// journalKey identifies an entry of the journal: the size of a room or, with a
// user, the presence of the user in the room.
type journalKey struct{ room, user string }

// Change is an entry of the journal. It holds the current state. An empty Room
// is the channel as a whole.
type Change struct {
	Room, User string
	Present    bool // with a User: TakePresence has announced them as present
	Size       int  // without a User: the number of connections in the room
}

// journalSize records that the number of connections in r has changed; mu is
// held.
func (h *Hub) journalSize(r *Room) {
	if r != h.all {
		h.record(r.Name, "")
	}
}

// record adds an entry to the journal; mu is held.
func (h *Hub) record(room, user string) {
	if !h.opts.Journal {
		return
	}
	if h.journal == nil {
		h.journal = map[journalKey]struct{}{}
	}
	if len(h.journal) == 0 {
		h.wake()
	}
	h.journal[journalKey{room, user}] = struct{}{}
}

// RestoreJournal puts entries back. The next TakeJournal returns them with
// their state at that time.
func (h *Hub) RestoreJournal(entries []Change) {
	if len(entries) == 0 {
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range entries {
		h.record(c.Room, c.User)
	}
}

// TakeJournal returns the current state of everything that has changed since
// the last call, in no order. A user counts as present until TakePresence has
// announced the leave, and as absent until it has announced the join: other
// nodes learn of a change after this one.
func (h *Hub) TakeJournal() []Change {
	h.mu.Lock()
	defer h.mu.Unlock()
	if len(h.journal) == 0 {
		return nil
	}
	out := make([]Change, 0, len(h.journal))
	for k := range h.journal {
		c := Change{Room: k.room, User: k.user}
		switch r := h.find(k.room); {
		case r == nil:
		case k.user == "":
			c.Size = r.Size()
		default:
			if p := r.present[k.user]; p != nil {
				c.Present = p.announced
			}
		}
		out = append(out, c)
	}
	clear(h.journal)
	return out
}
