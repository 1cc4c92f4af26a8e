package host

import (
	"slices"
	"sync"

	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// presenceSubscribers are the connections that subscribe to the presence in a
// room. The zero value has none. Methods may be called concurrently.
type presenceSubscribers struct {
	// order is held while a list or a change is read and sent, so that a client
	// gets no list that is older than a change before it. It is taken before all
	// other locks.
	order sync.Mutex

	// mu guards rooms and conn.presenceRooms.
	mu    sync.Mutex
	rooms map[string][]*conn
}

// add subscribes a connection to a room.
func (s *presenceSubscribers) add(room string, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := c.presenceRooms[room]; ok {
		return
	}
	if s.rooms == nil {
		s.rooms = map[string][]*conn{}
	}
	if c.presenceRooms == nil {
		c.presenceRooms = map[string]struct{}{}
	}
	s.rooms[room] = append(s.rooms[room], c)
	c.presenceRooms[room] = struct{}{}
}

// remove ends a subscription.
func (s *presenceSubscribers) remove(room string, c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, ok := c.presenceRooms[room]; ok {
		s.removeLocked(room, c)
	}
}

// removeAll ends all subscriptions of a connection.
func (s *presenceSubscribers) removeAll(c *conn) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for room := range c.presenceRooms {
		s.removeLocked(room, c)
	}
}

// removeLocked is remove for a subscription that exists. mu is held.
func (s *presenceSubscribers) removeLocked(room string, c *conn) {
	delete(c.presenceRooms, room)
	rest := slices.DeleteFunc(s.rooms[room], func(x *conn) bool { return x == c })
	if len(rest) == 0 {
		delete(s.rooms, room)
		return
	}
	s.rooms[room] = rest
}

// of lists the subscribers of a room.
func (s *presenceSubscribers) of(room string) []*conn {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rooms[room])
}

// presenceAnswer lists the users in a room.
type presenceAnswer struct {
	Type  string   `json:"type"`
	ID    float64  `json:"id"`
	Room  string   `json:"room"`
	Users []string `json:"users"`
}

// presenceChange reports a user who joins or leaves a room.
type presenceChange struct {
	Type string `json:"type"`
	Room string `json:"room"`
	User string `json:"user"`
}

// sendPresence answers the control message presence: it lists the users in a room
// of the connection, and begins or ends a subscription if asked to.
func (c *conn) sendPresence(r controlRequest) error {
	if err := c.checkMember(r.Room); err != nil {
		return err
	}
	if !c.rt.settings.Load().route.SharePresence {
		return refuseControl("NOT_SHARED", "this route does not tell clients who is there; share_presence allows it")
	}
	c.rt.subscribers.order.Lock()
	defer c.rt.subscribers.order.Unlock()
	if r.Watch != nil && *r.Watch {
		c.rt.subscribers.add(r.Room, c) // before the list, so that no change is missed
		if err := c.checkMember(r.Room); err != nil {
			c.rt.subscribers.remove(r.Room, c) // it has left meanwhile
			return err
		}
	} else if r.Watch != nil {
		c.rt.subscribers.remove(r.Room, c)
	}
	users := c.rt.withRemote(r.Room, c.rt.hub.Announced(r.Room)) // subscribers get later changes
	if users == nil {
		users = []string{}
	}
	c.answer(presenceAnswer{"presence", r.ID, r.Room, users})
	return nil
}

// notifySubscribers sends a change of presence to the subscribers of its room.
func (rt *routeRuntime) notifySubscribers(outbox *hub.Outbox, e hub.PresenceEvent) {
	rt.subscribers.order.Lock()
	defer rt.subscribers.order.Unlock()
	conns := rt.subscribers.of(e.Room)
	if len(conns) == 0 || e.Room == "" {
		return
	}
	m := presenceChange{"presence_leave", e.Room, e.User}
	if e.Join {
		m.Type = "presence_join"
	}
	message := frame.AppendControl(nil, m)
	for _, c := range conns {
		outbox.SendRaw(&c.member, message)
	}
}
