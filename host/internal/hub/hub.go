// Package hub knows who is in which room, which user has which connections
// and who is present, and delivers what is broadcast to them: encoded once,
// batched for a outbox, in one order. It knows neither sockets nor plugins.
package hub

import (
	"errors"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Sink takes the bytes of whole frames for one connection. It must not block,
// and must not keep p.
type Sink interface {
	Deliver(p []byte)
}

// ErrTooManyRooms refuses a join over Options.MaxRooms.
var ErrTooManyRooms = errors.New("the connection is a member of as many rooms as it may be")

// Options configure a Hub. The zero value works.
type Options struct {
	// Grace is how long a user stays present after the last connection went.
	Grace time.Duration
	// Now is the time. nil: the system's.
	Now func() time.Time
	// MaxRooms bounds the rooms of one connection. 0: no bound.
	MaxRooms int
	// Wake is called, possibly with locks held, when Due or TakePresence have
	// something new. It must not call the Hub.
	Wake func()
	// Flushed is told of each batch that went to the members of a room.
	Flushed func(Flush)
	// Sent is told of the frames that went out, after each outbox.
	Sent func(frames, bytes int)
	// History keeps what is sent to rooms, in this hub.
	History HistoryOptions
	// Topics is told when a room or a user has a first connection here, and when
	// the last has gone. It is called with locks held and must not call the Hub.
	Topics func(kind TopicKind, name string, here bool)
	// Journal has TakeJournal tell what changes.
	Journal bool
	// Positions says that rooms have a history somewhere else, which numbers
	// their messages: they come with Outbox.Deliver, and Place says where a room
	// stands.
	Positions bool
}

// Flush describes one batch delivered to a room.
type Flush struct {
	Members  int
	Frames   int // in the batch
	Duration time.Duration
}

// Hub keeps the rooms, users and connections of one channel. All methods may
// be called concurrently.
type Hub struct {
	opts    Options
	now     func() time.Time
	history *history     // nil: none here
	all     *Room        // every member is in it
	busy    atomic.Int32 // rooms that have something undelivered

	mu      sync.RWMutex
	members map[uint64]*Member
	rooms   map[string]*Room
	users   map[string][]*Member
	journal map[place]struct{} // what has changed since TakeJournal
	leaving []leave            // in order of time: the grace is the same for all
	changed []*presence        // to be looked at by TakePresence
	present int                // users in the channel and in its rooms, those in their grace included
}

// Member is a connection in the hub.
type Member struct {
	ID     uint64
	sink   Sink
	tagged bool // it speaks the subprotocol: it is told where its rooms stand

	// guarded by Hub.mu
	user  string
	seats []*seat // seats[0] is the one in Hub.all
}

// seat is the place of a member in a room.
type seat struct {
	member *Member
	room   *Room
	at     int // index in room.seats, or gone; guarded by room.mu
}

// New makes an empty hub.
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

// MakeMember makes a member that is not in a hub yet. It must not be copied
// once it was added. tagged says that it speaks the subprotocol
// (docs/PROTOCOL.md).
func MakeMember(id uint64, s Sink, tagged bool) Member {
	return Member{ID: id, sink: s, tagged: tagged}
}

// Sink is what MakeMember was given.
func (m *Member) Sink() Sink { return m.sink }

// Add makes m known: broadcasts to the whole channel reach it from now on.
func (h *Hub) Add(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.members[m.ID] = m
	h.sit(m, h.all)
}

// Remove takes m out of its rooms and its user's connections. What was sent
// to a room and not delivered does not reach it.
func (h *Hub) Remove(m *Member) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.members[m.ID] != m {
		return
	}
	delete(h.members, m.ID)
	for _, s := range m.seats {
		s.room.stand(s)
		h.sized(s.room)
		if m.user != "" {
			h.less(s.room, m.user)
		}
		h.prune(s.room)
	}
	m.seats = nil
	h.forgetUser(m)
}

// Member finds a connection by its id.
func (h *Hub) Member(id uint64) *Member {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.members[id]
}

// Len counts the connections.
func (h *Hub) Len() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.members)
}

// Rooms counts the rooms.
func (h *Hub) Rooms() int {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return len(h.rooms)
}

// Room finds a room that has members or, within the grace, users.
func (h *Hub) Room(name string) *Room {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.rooms[name]
}

// room is Room for a name in bytes, without an allocation.
func (h *Hub) room(name []byte) *Room {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.rooms[string(name)]
}

// Join makes m a member of a room, once.
func (h *Hub) Join(m *Member, room string) error {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.members[m.ID] != m {
		return nil // it went in the meantime
	}
	r := h.rooms[room]
	if r != nil && m.seatIn(r) != nil {
		return nil
	}
	if h.opts.MaxRooms > 0 && len(m.seats) > h.opts.MaxRooms {
		return ErrTooManyRooms
	}
	if r == nil {
		r = h.open(room)
	}
	h.sit(m, r)
	return nil
}

// open makes a room; mu is held.
func (h *Hub) open(name string) *Room {
	r := &Room{hub: h, Name: name}
	if h.history != nil {
		r.log = h.history.log(name, true)
	}
	if r.log != nil || h.opts.Positions {
		r.json = frame.RoomJSON(name)
	}
	h.rooms[name] = r
	h.topic(RoomTopic, name, true)
	return r
}

// Leave ends a membership. Everything sent to the room before is delivered first.
func (h *Hub) Leave(m *Member, room string) {
	r := h.Room(room)
	if r == nil {
		return
	}
	r.drain()
	h.mu.Lock()
	defer h.mu.Unlock()
	s := m.seatIn(r)
	if s == nil {
		return
	}
	m.seats = slices.DeleteFunc(m.seats, func(x *seat) bool { return x == s })
	r.part(s)
	h.sized(r)
	if m.tagged && r.json != nil {
		m.sink.Deliver(frame.Left(room))
	}
	if m.user != "" {
		h.less(r, m.user)
	}
	h.prune(r)
}

// Identify says which user m belongs to; empty: none.
func (h *Hub) Identify(m *Member, user string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if m.user == user || h.members[m.ID] != m {
		return
	}
	old := m.user
	h.forgetUser(m)
	m.user = user
	if user != "" {
		if len(h.users[user]) == 0 {
			h.topic(UserTopic, user, true)
		}
		h.users[user] = append(h.users[user], m)
	}
	for _, s := range m.seats {
		if user != "" {
			h.more(s.room, user)
		}
		if old != "" {
			h.less(s.room, old)
		}
	}
}

// sit adds a seat; mu is held.
func (h *Hub) sit(m *Member, r *Room) {
	s := &seat{member: m, room: r}
	m.seats = append(m.seats, s)
	r.sit(s)
	h.sized(r)
	if m.user != "" {
		h.more(r, m.user)
	}
}

// prune forgets a room that has nobody; mu is held.
func (h *Hub) prune(r *Room) {
	if r != h.all && len(r.present) == 0 && r.Size() == 0 {
		delete(h.rooms, r.Name)
		h.topic(RoomTopic, r.Name, false)
		if r.log != nil {
			h.history.release(r.Name, r.log)
		}
	}
}

// forgetUser takes m from its user's connections; mu is held.
func (h *Hub) forgetUser(m *Member) {
	if m.user == "" {
		return
	}
	ms := slices.DeleteFunc(h.users[m.user], func(x *Member) bool { return x == m })
	if len(ms) == 0 {
		delete(h.users, m.user)
		h.topic(UserTopic, m.user, false)
	} else {
		h.users[m.user] = ms
	}
	m.user = ""
}

// seatIn finds m's seat in r; Hub.mu is held.
func (m *Member) seatIn(r *Room) *seat {
	for _, s := range m.seats {
		if s.room == r {
			return s
		}
	}
	return nil
}
