package hub

import (
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Options configure a Hub. The zero value works.
type Options struct {
	// Grace is how long a user stays present after their last connection has
	// ended. 0: the user leaves at once.
	Grace time.Duration
	// Now returns the current time. nil: time.Now.
	Now func() time.Time
	// Wake is called when NextGraceEnd, TakePresence or TakeJournal may have new
	// results. It is called with locks held and must not call the Hub.
	Wake func()
	// Flushed is called after each batch that a room has delivered.
	Flushed func(Flush)
	// Sent is called with the number of frames and bytes that went to sinks:
	// after each batch of a room, and by Outbox.Flush for other frames.
	Sent func(frames, bytes int)
	// History configures the histories of rooms in this hub. The zero value
	// means none.
	History HistoryOptions
	// Topics is called when a room or a user appears in the hub (here) and when
	// it disappears. It is called with locks held and must not call the Hub.
	Topics func(kind TopicKind, name string, here bool)
	// Journal makes TakeJournal report changes.
	Journal bool
	// ExternalHistory says that a history outside of the hub numbers the
	// messages of rooms. They come with Outbox.BroadcastAt. SetPosition sets the
	// position of the newest message of a room.
	ExternalHistory bool
}

// Flush describes one batch that a room has delivered.
type Flush struct {
	Members  int
	Frames   int // in the batch
	Duration time.Duration
}

// Hub holds the rooms, users and connections of one channel. All methods may
// be called concurrently.
type Hub struct {
	opts      Options
	now       func() time.Time
	history   *history     // nil: none in this hub
	all       *Room        // has all members
	busyRooms atomic.Int32 // rooms with undelivered frames

	mu        sync.RWMutex
	members   map[uint64]*Member
	rooms     map[string]*Room
	users     map[string][]*Member
	journal   map[journalKey]struct{} // changes since TakeJournal
	leaving   []graceEnd              // sorted by time
	changed   []*presence             // for TakePresence
	presences int                     // entries in Room.present of all rooms
}

// New returns an empty hub.
func New(o Options) *Hub {
	h := &Hub{
		opts:    o,
		members: map[uint64]*Member{},
		rooms:   map[string]*Room{},
		users:   map[string][]*Member{},
	}
	h.all = &Room{hub: h}
	if h.now = o.Now; h.now == nil {
		h.now = time.Now
	}
	if o.History.Size > 0 {
		h.history = newHistory(o.History, h.now)
	}
	return h
}

// Add adds m. Frames to all connections reach it from now on.
func (h *Hub) Add(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members[m.ID] = m
	h.addToRoom(m, h.all)
}

// Remove removes m from its rooms and from its user. Undelivered frames of its
// rooms do not reach it.
func (h *Hub) Remove(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.members[m.ID] != m {
		return
	}
	delete(h.members, m.ID)
	for _, s := range m.memberships {
		s.room.remove(s)
		h.journalSize(s.room)
		if m.user != "" {
			h.removeUserConn(s.room, m.user)
		}
		h.prune(s.room)
	}
	m.memberships = nil
	h.clearUser(m)
}

// Member returns the connection with an id, nil if there is none.
func (h *Hub) Member(id uint64) *Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.members[id]
}

// Room returns a room that has members or present users, nil if there is none.
func (h *Hub) Room(name string) *Room {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.rooms[name]
}

// roomOf is Room for a name in bytes. It does not allocate.
func (h *Hub) roomOf(name []byte) *Room {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.rooms[string(name)]
}

// Join makes m a member of a room. It does nothing if m is one already, or was
// removed from the hub.
func (h *Hub) Join(m *Member, room string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.members[m.ID] != m {
		return
	}
	r := h.rooms[room]
	if r != nil && m.in(r) != nil {
		return
	}
	if r == nil {
		r = h.openRoom(room)
	}
	h.addToRoom(m, r)
}

// openRoom makes a room; mu is held.
func (h *Hub) openRoom(name string) *Room {
	r := &Room{hub: h, Name: name}
	if h.history != nil {
		r.log = h.history.log(name, true)
	}
	if r.log != nil || h.opts.ExternalHistory {
		r.nameJSON = frame.RoomJSON(name)
	}
	h.rooms[name] = r
	h.notifyTopic(RoomTopic, name, true)
	return r
}

// Leave ends the membership of m in a room. Everything sent to the room before
// the call reaches m first.
func (h *Hub) Leave(m *Member, room string) {
	r := h.Room(room)
	if r == nil {
		return
	}
	r.drain()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := m.in(r)
	if s == nil {
		return
	}
	m.memberships = slices.DeleteFunc(m.memberships, func(x *membership) bool { return x == s })
	r.deliverAndRemove(s)
	h.journalSize(r)
	if m.v1 && r.nameJSON != nil {
		m.sink.Deliver(frame.Left(room))
	}
	if m.user != "" {
		h.removeUserConn(r, m.user)
	}
	h.prune(r)
}

// SetPosition says that p is the position of the newest message of a room in
// an external history.
func (h *Hub) SetPosition(room string, p frame.Position) {
	if r := h.Room(room); r != nil && r.setPosition(p) {
		r.flush()
	}
}

// Identify sets the user of m. An empty user means none.
func (h *Hub) Identify(m *Member, user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.user == user || h.members[m.ID] != m {
		return
	}
	old := m.user
	h.clearUser(m)
	m.user = user
	if user != "" {
		if len(h.users[user]) == 0 {
			h.notifyTopic(UserTopic, user, true)
		}
		h.users[user] = append(h.users[user], m)
	}
	for _, s := range m.memberships {
		if user != "" {
			h.addUserConn(s.room, user)
		}
		if old != "" {
			h.removeUserConn(s.room, old)
		}
	}
}

// addToRoom makes m a member of r; mu is held.
func (h *Hub) addToRoom(m *Member, r *Room) {
	s := &membership{member: m, room: r}
	m.memberships = append(m.memberships, s)
	r.add(s)
	h.journalSize(r)
	if m.user != "" {
		h.addUserConn(r, m.user)
	}
}

// prune deletes r if it has neither members nor present users; mu is held.
func (h *Hub) prune(r *Room) {
	if r != h.all && len(r.present) == 0 && r.Size() == 0 {
		delete(h.rooms, r.Name)
		h.notifyTopic(RoomTopic, r.Name, false)
		if r.log != nil {
			h.history.release(r.Name, r.log)
		}
	}
}

// clearUser removes m from the connections of its user; mu is held.
func (h *Hub) clearUser(m *Member) {
	if m.user == "" {
		return
	}
	ms := slices.DeleteFunc(h.users[m.user], func(x *Member) bool { return x == m })
	if len(ms) == 0 {
		delete(h.users, m.user)
		h.notifyTopic(UserTopic, m.user, false)
	} else {
		h.users[m.user] = ms
	}
	m.user = ""
}
