package host

import (
	"slices"
	"sync"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// presenceSubscribers are the connections that want to be told who comes to a room and
// leaves it. The zero value has none.
type presenceSubscribers struct {
	// order is held from when a list is taken, or a change is known, until it is on its way, so
	// that no client gets a list from before a change behind it. It is outside of all other locks.
	order sync.Mutex

	mu    sync.Mutex
	rooms map[string][]*conn
}

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

func (w *presenceSubscribers) remove(room string, c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if _, ok := c.watched[room]; ok {
		w.drop(room, c)
	}
}

// removeAll is remove for all rooms of a connection.
func (w *presenceSubscribers) removeAll(c *conn) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for room := range c.watched {
		w.drop(room, c)
	}
}

// drop takes a connection out; mu is held.
func (w *presenceSubscribers) drop(room string, c *conn) {
	delete(c.watched, room)
	rest := slices.DeleteFunc(w.rooms[room], func(x *conn) bool { return x == c })
	if len(rest) == 0 {
		delete(w.rooms, room)
		return
	}
	w.rooms[room] = rest
}

func (w *presenceSubscribers) of(room string) []*conn {
	w.mu.Lock()
	defer w.mu.Unlock()
	return slices.Clone(w.rooms[room])
}

type presenceAnswer struct {
	Type  string   `json:"type"`
	ID    float64  `json:"id"`
	Room  string   `json:"room"`
	Users []string `json:"users"`
}

type presenceChange struct {
	Type string `json:"type"`
	Room string `json:"room"`
	User string `json:"user"`
}

// presence tells a client who is in a room that it is in, too.
func (c *conn) presence(r request) error {
	if err := c.inRoom(r.Room); err != nil {
		return err
	}
	if !c.rt.settings.Load().route.SharePresence {
		return refuseControl("NOT_SHARED", "this route does not tell clients who is there; share_presence allows it")
	}
	c.rt.subscribers.order.Lock()
	defer c.rt.subscribers.order.Unlock()
	if r.Watch != nil && *r.Watch {
		c.rt.subscribers.add(r.Room, c) // before the list, so that no change is missed
		if err := c.inRoom(r.Room); err != nil {
			c.rt.subscribers.remove(r.Room, c) // another hook has had it leave meanwhile
			return err
		}
	} else if r.Watch != nil {
		c.rt.subscribers.remove(r.Room, c)
	}
	users := c.rt.withRemote(r.Room, c.rt.hub.Told(r.Room)) // changes of it are told
	if users == nil {
		users = []string{}
	}
	c.answer(presenceAnswer{"presence", r.ID, r.Room, users})
	return nil
}

// notifySubscribers tells of a change of who is present.
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
	frame := hub.AppendControl(nil, m)
	for _, c := range conns {
		outbox.Control(&c.member, frame)
	}
}
