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

	// mu guards rooms and conn.watched.
	mu    sync.Mutex
	rooms map[string][]*conn
}

// add subscribes a connection to a room.
func (w *presenceSubscribers) add(room string, c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := c.watched[room]; ok {
		return
	}
	if w.rooms == nil {
		w.rooms = map[string][]*conn{}
	}
	if c.watched == nil {
		c.watched = map[string]struct{}{}
	}
	w.rooms[room] = append(w.rooms[room], c)
	c.watched[room] = struct{}{}
}

// remove ends a subscription.
func (w *presenceSubscribers) remove(room string, c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := c.watched[room]; ok {
		w.removeLocked(room, c)
	}
}

// removeAll ends all subscriptions of a connection.
func (w *presenceSubscribers) removeAll(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for room := range c.watched {
		w.removeLocked(room, c)
	}
}

// removeLocked is remove for a subscription that exists. mu is held.
func (w *presenceSubscribers) removeLocked(room string, c *conn) {
	delete(c.watched, room)
	rest := slices.DeleteFunc(w.rooms[room], func(x *conn) bool { return x == c })
	if len(rest) == 0 {
		delete(w.rooms, room)
		return
	}
	w.rooms[room] = rest
}

// of lists the subscribers of a room.
func (w *presenceSubscribers) of(room string) []*conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.rooms[room])
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
