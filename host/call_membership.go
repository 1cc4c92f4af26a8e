package host

import (
	"slices"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/naming"
)

// membershipChanges are the effects of a hook that change rooms, users and the
// values of connections, indexed by what a read asks for, so that a read does not
// scan all effects. The zero value has no changes; its maps are made when needed.
type membershipChanges struct {
	changed   bool // the effects contain a join, leave or identify
	conns     map[*conn]*connChanges
	rooms     map[string]*roomChanges
	users     map[string]int // connections that the hook identifies as the user
	presences int            // upper bound of the presences that are added
}

// connChanges are the changes of one connection.
type connChanges struct {
	identified bool
	user       string // set by identify

	in     map[string]bool // rooms that the connection joins (true) or leaves (false)
	rooms  []string        // all its rooms in the order of joining; valid if in is not nil
	values map[string]int  // keys, with the index of the last effect on each
	added  int             // bytes that its values grow by
}

// roomChanges are the changes of one room.
type roomChanges struct {
	added int              // connections that join, minus those that leave
	conns map[ConnID]*conn // that join or leave
}

// changesOf returns the changes of a connection.
func (c *call) changesOf(of *conn) *connChanges {
	m := c.membership.conns[of]
	if m == nil {
		if c.membership.conns == nil {
			c.membership.conns = map[*conn]*connChanges{}
		}
		m = &connChanges{}
		c.membership.conns[of] = m
	}
	return m
}

// roomChangesOf is changesOf with the rooms of the connection filled in. It
// charges the hook for reading them.
func (c *call) roomChangesOf(conn *conn) *connChanges {
	m := c.changesOf(conn)
	if m.in == nil {
		m.in, m.rooms = map[string]bool{}, slices.Clone(c.roomsOf(conn))
	}
	c.charge(len(m.rooms))
	return m
}

// Join implements plugin.Env.
func (c *call) Join(id ConnID, room []byte) error {
	conn, err := c.findConnFor(id, room)
	if err != nil {
		return err
	}
	m, name := c.roomChangesOf(conn), string(room)
	var presences int
	member := slices.Contains(m.rooms, name)
	if !member {
		presences = c.newPresences(conn, c.userOf(conn), name)
		if len(m.rooms) >= c.set.limits.MaxRoomsPerConnection || c.exceedsPresences(presences) {
			return abi.Limit
		}
	}
	if err := c.addMembership(effectJoin, conn, room); err != nil {
		return err
	}
	m.in[name] = true
	if !member {
		m.rooms = append(m.rooms, name)
		c.membership.presences += presences
		c.countMember(conn, name, 1)
	}
	return nil
}

// Leave implements plugin.Env.
func (c *call) Leave(id ConnID, room []byte) error {
	conn, err := c.findConnFor(id, room)
	if err != nil {
		return err
	}
	if err := c.addMembership(effectLeave, conn, room); err != nil {
		return err
	}
	m, name := c.roomChangesOf(conn), string(room)
	m.in[name] = false
	if at := slices.Index(m.rooms, name); at >= 0 {
		m.rooms = slices.Delete(m.rooms, at, at+1)
		c.countMember(conn, name, -1)
	}
	return nil
}

// countMember adds by, which is 1 or -1, to the size of a room that a connection
// joins or leaves.
func (c *call) countMember(who *conn, room string, by int) {
	if c.isClosed(who) {
		return // the hub has removed it
	}
	r := c.membership.rooms[room]
	if r == nil {
		if c.membership.rooms == nil {
			c.membership.rooms = map[string]*roomChanges{}
		}
		r = &roomChanges{conns: map[ConnID]*conn{}}
		c.membership.rooms[room] = r
	}
	r.added += by
	r.conns[who.member.ID] = who
}

// Identify implements plugin.Env.
func (c *call) Identify(id ConnID, user []byte) error {
	conn, err := c.findConn(id)
	if err != nil {
		return err
	}
	if len(user) > 0 && !naming.Valid(user) {
		return abi.Invalid
	}
	name, before := string(user), c.userOf(conn)
	var presences int
	if name != before {
		presences = c.newPresences(conn, name, append([]string{""}, c.roomsOf(conn)...)...)
		if c.exceedsPresences(presences) {
			return abi.Limit
		}
	}
	if err := c.addMembership(effectIdentify, conn, user); err != nil {
		return err
	}
	c.membership.presences += presences
	m := c.changesOf(conn)
	if c.membership.users == nil {
		c.membership.users = map[string]int{}
	}
	if !c.isClosed(conn) {
		if m.identified {
			c.membership.users[before]--
		}
		c.membership.users[name]++
	}
	m.identified, m.user = true, name
	return nil
}

// newPresences returns the number of presences that are added when a connection
// of a user is in some rooms. The empty name stands for the route. The hook's own
// earlier changes are not taken into account, so the sum is an upper bound.
func (c *call) newPresences(conn *conn, user string, rooms ...string) int {
	if user == "" || c.isClosed(conn) {
		return 0
	}
	c.charge(len(rooms))
	return c.rt.hub.CountAbsent(user, rooms)
}

// exceedsPresences reports whether added presences exceed Limits.Presences.
func (c *call) exceedsPresences(presences int) bool {
	return presences > 0 && c.rt.hub.Presences()+c.membership.presences+presences > c.set.limits.Presences
}

// addMembership adds an effect on rooms or users.
func (c *call) addMembership(k effectKind, conn *conn, name []byte) error {
	n, err := c.keep(name)
	if err != nil {
		return err
	}
	if err := c.add(effect{kind: k, conn: conn, name: n}); err != nil {
		return err
	}
	c.membership.changed = true
	return nil
}
