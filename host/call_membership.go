package host

import (
	"slices"

	"github.com/azuhost/azuhost/host/abi"
)

// moves are what a hook has asked for that changes who is where, and what is kept
// with connections: on top of what the hub has. So a read looks at what it is about, and
// not at all that the hook has asked for. The zero value has none, and its maps
// are made when they are needed.
type moves struct {
	conns     map[*conn]*connMoves
	rooms     map[string]*roomMoves
	users     map[string]int // how many of the connections that were identified they have
	presences int            // that the hub will have more, at most
}

// connMoves are those of one connection.
type connMoves struct {
	identified bool
	user       string // where it was identified

	to     map[string]bool // the rooms that it was moved into, and out of
	rooms  []string        // all that it is in, in the order of joining, where to is not nil
	values map[string]int  // keys, and the last op about each
	grown  int             // bytes that its values will have more
}

// roomMoves are those of one room.
type roomMoves struct {
	size  int              // how many connections it will have more
	conns map[uint64]*conn // that came or left
}

// movesOf gives the moves of a connection.
func (c *call) movesOf(of *conn) *connMoves {
	m := c.moves.conns[of]
	if m == nil {
		if c.moves.conns == nil {
			c.moves.conns = map[*conn]*connMoves{}
		}
		m = &connMoves{}
		c.moves.conns[of] = m
	}
	return m
}

// seatsOf is movesOf with the rooms of the connection. The hook pays for going over them.
func (c *call) seatsOf(conn *conn) *connMoves {
	m := c.movesOf(conn)
	if m.to == nil {
		m.to, m.rooms = map[string]bool{}, slices.Clone(c.roomsOf(conn))
	}
	c.charge(len(m.rooms))
	return m
}

// Join implements Env.
func (c *call) Join(id uint64, room []byte) error {
	conn, err := c.findNamed(id, room)
	if err != nil {
		return err
	}
	m, name := c.seatsOf(conn), string(room)
	var presences int
	is := slices.Contains(m.rooms, name)
	if !is {
		presences = c.newPresences(conn, c.userOf(conn), name)
		if len(m.rooms) >= c.set.limits.MaxRoomsPerConnection || c.tooMany(presences) {
			return abi.Limit
		}
	}
	if err := c.move(opJoin, conn, room); err != nil {
		return err
	}
	m.to[name] = true
	if !is {
		m.rooms = append(m.rooms, name)
		c.moves.presences += presences
		c.sized(conn, name, 1)
	}
	return nil
}

// Leave implements Env.
func (c *call) Leave(id uint64, room []byte) error {
	conn, err := c.findNamed(id, room)
	if err != nil {
		return err
	}
	if err := c.move(opLeave, conn, room); err != nil {
		return err
	}
	m, name := c.seatsOf(conn), string(room)
	m.to[name] = false
	if at := slices.Index(m.rooms, name); at >= 0 {
		m.rooms = slices.Delete(m.rooms, at, at+1)
		c.sized(conn, name, -1)
	}
	return nil
}

// sized notes that a connection came to a room, or left it.
func (c *call) sized(who *conn, room string, by int) {
	if c.left(who) {
		return // the rooms have forgotten it
	}
	r := c.moves.rooms[room]
	if r == nil {
		if c.moves.rooms == nil {
			c.moves.rooms = map[string]*roomMoves{}
		}
		r = &roomMoves{conns: map[uint64]*conn{}}
		c.moves.rooms[room] = r
	}
	r.size += by
	r.conns[who.member.ID] = who
}

// Identify implements Env.
func (c *call) Identify(id uint64, user []byte) error {
	conn, err := c.find(id)
	if err != nil {
		return err
	}
	if len(user) > 0 && !validName(user) {
		return abi.Invalid
	}
	name, was := string(user), c.userOf(conn)
	var presences int
	if name != was {
		presences = c.newPresences(conn, name, append([]string{""}, c.roomsOf(conn)...)...)
		if c.tooMany(presences) {
			return abi.Limit
		}
	}
	if err := c.move(opIdentify, conn, user); err != nil {
		return err
	}
	c.moves.presences += presences
	m := c.movesOf(conn)
	if c.moves.users == nil {
		c.moves.users = map[string]int{}
	}
	if !c.left(conn) {
		if m.identified {
			c.moves.users[was]--
		}
		c.moves.users[name]++
	}
	m.identified, m.user = true, name
	return nil
}

// newPresences is how many users, counted in each of some rooms, there will be more
// when a connection has a user in them; the empty name is the channel. What
// this hook has asked for already counts as if it were of others.
func (c *call) newPresences(conn *conn, user string, rooms ...string) int {
	if user == "" || c.left(conn) {
		return 0
	}
	c.charge(len(rooms))
	return c.rt.hub.Absences(user, rooms)
}

// tooMany says whether so many presences more are over the limit.
func (c *call) tooMany(presences int) bool {
	return presences > 0 && c.rt.hub.Presences()+c.moves.presences+presences > c.set.limits.Presences
}

func (c *call) move(k opKind, conn *conn, name []byte) error {
	n, err := c.keep(name)
	if err != nil {
		return err
	}
	if err := c.add(op{kind: k, conn: conn, name: n}); err != nil {
		return err
	}
	c.moved = true
	return nil
}
