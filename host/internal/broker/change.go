package broker

// Change is a change of a node's state. With a user, it says whether the user is present in a room;
// an empty room stands for the route. Without a user, it has the number of sockets in the room.
// Nodes of other versions read it, so the names in JSON are fixed.
type Change struct {
	Route   string `json:"r"`
	Room    string `json:"m,omitempty"`
	User    string `json:"u,omitempty"`
	Present bool   `json:"h,omitempty"`
	Size    int    `json:"z,omitempty"`
	// Reported says that the node itself reported the user's leave to its plugin, because it knew
	// of no other node that has the user. Otherwise another node has to report it.
	Reported bool `json:"t,omitempty"`
}

// normalize returns a change that a node could have made.
func (c Change) normalize() Change {
	if c.User != "" {
		c.Size = 0
	} else {
		c.Present, c.Size = false, max(c.Size, 0)
	}
	return c
}

// isEmpty reports whether the user is not present, or the room has no sockets.
func (c Change) isEmpty() bool { return !c.Present && c.Size == 0 }

// roomKey identifies a room; an empty room stands for the route.
type roomKey struct{ route, room string }

// stateKey identifies an entry of a node's state. An empty user stands for the sockets of the room.
type stateKey struct {
	roomKey
	user string
}

func (c Change) key() stateKey { return stateKey{roomKey{c.Route, c.Room}, c.User} }
