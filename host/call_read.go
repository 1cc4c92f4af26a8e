package host

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// What a hook reads. Reads see what the hook itself has asked for so far: the
// hub's answer first, then the gathered moves on top.

// lines goes over the lines of b; an empty b has none.
func lines(b []byte) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for len(b) > 0 {
			line, rest, _ := bytes.Cut(b, []byte{'\n'})
			if !yield(line) {
				return
			}
			b = rest
		}
	}
}

func appendLines(dst []byte, names []string) []byte {
	for i, n := range names {
		if i > 0 {
			dst = append(dst, '\n')
		}
		dst = append(dst, n...)
	}
	return dst
}

// left says that conn is the one whose on_close this is.
func (c *call) left(conn *conn) bool { return c.hook == abi.OnClose && conn == c.conn }

// roomsOf lists the rooms of a connection. The list must not be changed.
func (c *call) roomsOf(conn *conn) []string {
	if m := c.moves.conns[conn]; m != nil && m.to != nil {
		return m.rooms
	}
	if c.left(conn) {
		return conn.gone.rooms
	}
	return c.rt.hub.RoomsOf(&conn.member)
}

// isIn says whether a connection is in a room; an empty name: in the channel.
func (c *call) isIn(conn *conn, room string) bool {
	if m := c.moves.conns[conn]; m != nil {
		if in, ok := m.to[room]; ok {
			return in
		}
	}
	return room == "" || c.rt.hub.In(&conn.member, room)
}

// userOf is the user of a connection.
func (c *call) userOf(conn *conn) string {
	if m := c.moves.conns[conn]; m != nil && m.identified {
		return m.user
	}
	if c.left(conn) {
		return conn.gone.user
	}
	return c.rt.hub.User(&conn.member)
}

// membersOf lists the connections in a room, sorted.
func (c *call) membersOf(room string) []uint64 {
	r := c.moves.rooms[room]
	c.charge(listFuel * c.rt.hub.Size([]byte(room)))
	ids := c.rt.hub.MembersOf(room)
	if r == nil {
		return ids
	}
	c.charge(listFuel * len(r.conns))
	ids = slices.DeleteFunc(ids, func(id uint64) bool { return r.conns[id] != nil })
	for id, conn := range r.conns {
		if c.isIn(conn, room) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// RoomSize implements Env.
func (c *call) RoomSize(room []byte) (int, error) {
	if !validName(room) {
		return 0, abi.Invalid
	}
	n := c.rt.hub.Size(room)
	if r := c.moves.rooms[string(room)]; r != nil {
		n = max(n+r.size, 0) // others have left meanwhile, too
	}
	return n + c.rt.remoteSize(string(room)), nil
}

// AppendRoomMembers implements Env.
func (c *call) AppendRoomMembers(dst, room []byte) ([]byte, error) {
	if !validName(room) {
		return dst, abi.Invalid
	}
	for _, id := range c.membersOf(string(room)) {
		dst = binary.LittleEndian.AppendUint64(dst, id)
	}
	return dst, nil
}

// AppendRooms implements Env.
func (c *call) AppendRooms(dst []byte, id uint64) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	return appendLines(dst, c.roomsOf(conn)), nil
}

// AppendUser implements Env.
func (c *call) AppendUser(dst []byte, id uint64) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	return append(dst, c.userOf(conn)...), nil
}

// AppendRoomUsers implements Env.
func (c *call) AppendRoomUsers(dst, room []byte) ([]byte, error) {
	if !validName(room) {
		return dst, abi.Invalid
	}
	return appendLines(dst, c.usersIn(string(room))), nil
}

// AppendUsers implements Env.
func (c *call) AppendUsers(dst []byte) ([]byte, error) {
	return appendLines(dst, c.usersIn("")), nil
}

// usersIn lists the users in a room on all nodes, sorted; an empty name: in the channel.
func (c *call) usersIn(room string) []string {
	names := c.present(room)
	if b := c.rt.host.broker; b != nil {
		there := b.Users(c.rt.pattern, room)
		c.charge(listFuel * len(there))
		names = append(names, there...)
	}
	c.sort(names)
	return slices.Compact(names)
}

// Online implements Env.
func (c *call) Online(user []byte) (bool, error) {
	if !validName(user) {
		return false, abi.Invalid
	}
	if c.rt.isRemote("", string(user)) {
		return true, nil
	}
	if !c.moved {
		return c.rt.hub.Online(string(user)), nil
	}
	return c.online(string(user)), nil
}

// online is Online with the gathered moves on top.
func (c *call) online(user string) bool {
	return c.rt.grace > 0 && c.rt.hub.Online(user) || c.moves.users[user] > 0 || c.stays("", user)
}

// stays says whether a user that is in a room has a connection left there, as the hook
// sees it, of those that the hub knows as the user's. An empty name: in the channel.
func (c *call) stays(room, user string) bool {
	conns := c.rt.hub.Conns([]byte(user))
	c.charge(listFuel * len(conns))
	return slices.ContainsFunc(conns, func(m *hub.Member) bool {
		conn := m.Sink().(*conn)
		return c.userOf(conn) == user && c.isIn(conn, room)
	})
}

// present lists the users in a room, or in the channel for an empty name, in no
// order. Those that the hook takes away stay present for the grace.
func (c *call) present(room string) []string {
	c.charge(listFuel * c.rt.hub.CountPresent(room))
	names := c.rt.hub.AppendPresent(nil, room)
	if !c.moved {
		return names
	}
	c.charge(listFuel * len(c.moves.conns))
	here := map[string]bool{} // users of connections that were moved
	for conn := range c.moves.conns {
		if was := c.rt.hub.User(&conn.member); c.rt.grace <= 0 && was != "" {
			if _, known := here[was]; !known {
				here[was] = c.stays(room, was)
			}
		}
		if user := c.userOf(conn); user != "" && !c.left(conn) && c.isIn(conn, room) {
			here[user] = true
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		_, again := here[n]
		return again && (c.rt.grace <= 0 || here[n])
	})
	for user, is := range here {
		if is {
			names = append(names, user)
		}
	}
	return names
}

// AppendParam implements Env.
func (c *call) AppendParam(dst []byte, id uint64, name []byte) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	for i, p := range c.rt.params {
		if p == string(name) {
			return append(dst, conn.params[i]...), nil
		}
	}
	return dst, abi.NotFound
}

// AppendQuery implements Env.
func (c *call) AppendQuery(dst []byte, id uint64, name []byte) ([]byte, error) {
	if err := c.connecting(id); err != nil {
		return dst, err
	}
	if c.query == nil {
		c.query = c.req.URL.Query()
	}
	if v, ok := c.query[string(name)]; ok {
		return append(dst, v[0]...), nil
	}
	return dst, abi.NotFound
}

// AppendHeader implements Env. Several values of a header come joined by ", ".
func (c *call) AppendHeader(dst []byte, id uint64, name []byte) ([]byte, error) {
	if err := c.connecting(id); err != nil {
		return dst, err
	}
	values := c.req.Header.Values(string(name))
	if string(bytes.ToLower(name)) == "host" {
		values = []string{c.req.Host}
	}
	if len(values) == 0 {
		return dst, abi.NotFound
	}
	for i, v := range values {
		if i > 0 {
			dst = append(dst, ", "...)
		}
		dst = append(dst, v...)
	}
	return dst, nil
}

// connecting says whether the request of a connection is at hand.
func (c *call) connecting(id uint64) error {
	conn, err := c.find(id)
	if err != nil {
		return err
	}
	if c.req == nil || conn != c.conn {
		return abi.State
	}
	return nil
}

// AppendRemoteAddr implements Env.
func (c *call) AppendRemoteAddr(dst []byte, id uint64) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	return append(dst, conn.remote...), nil
}

// AppendSubprotocol implements Env.
func (c *call) AppendSubprotocol(dst []byte, id uint64) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	return append(dst, conn.subprotocol...), nil
}

// AppendClaims implements Env.
func (c *call) AppendClaims(dst []byte, id uint64) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	token := conn.token.Load()
	if token == nil {
		return dst, abi.NotFound
	}
	return append(dst, token.Claims...), nil
}
