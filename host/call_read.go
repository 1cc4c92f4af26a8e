package host

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/internal/urlquery"
)

// A read combines what the hub knows with the membership changes that the hook
// has asked for.

// lines yields the lines of b. An empty b has none.
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

// appendLines appends names, separated by newlines.
func appendLines(dst []byte, names []string) []byte {
	for i, n := range names {
		if i > 0 {
			dst = append(dst, '\n')
		}
		dst = append(dst, n...)
	}
	return dst
}

// isClosed reports whether conn is the connection of a running on_close. It has
// left the hub.
func (c *call) isClosed(conn *conn) bool { return c.hook == abi.OnClose && conn == c.conn }

// roomsOf lists the rooms of a connection. The list must not be changed.
func (c *call) roomsOf(conn *conn) []string {
	if m := c.membership.conns[conn]; m != nil && m.in != nil {
		return m.rooms
	}
	if c.isClosed(conn) {
		return conn.last.rooms
	}
	return c.rt.hub.RoomsOf(&conn.member)
}

// isIn reports whether a connection is in a room. Every connection is in the
// route, which the empty name stands for.
func (c *call) isIn(conn *conn, room string) bool {
	if m := c.membership.conns[conn]; m != nil {
		if in, ok := m.in[room]; ok {
			return in
		}
	}
	return room == "" || c.rt.hub.IsMember(&conn.member, room)
}

// userOf returns the user of a connection, empty for none.
func (c *call) userOf(conn *conn) string {
	if m := c.membership.conns[conn]; m != nil && m.identified {
		return m.user
	}
	if c.isClosed(conn) {
		return conn.last.user
	}
	return c.rt.hub.User(&conn.member)
}

// membersOf lists the connections in a room on this node, sorted.
func (c *call) membersOf(room string) []ConnID {
	r := c.membership.rooms[room]
	c.charge(listFuel * c.rt.hub.RoomSize([]byte(room)))
	ids := c.rt.hub.RoomMemberIDs(room)
	if r == nil {
		return ids
	}
	c.charge(listFuel * len(r.conns))
	ids = slices.DeleteFunc(ids, func(id ConnID) bool { return r.conns[id] != nil })
	for id, conn := range r.conns {
		if c.isIn(conn, room) {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return ids
}

// RoomSize implements plugin.Env.
func (c *call) RoomSize(room []byte) (int, error) {
	if !naming.Valid(room) {
		return 0, abi.Invalid
	}
	n := c.rt.hub.RoomSize(room)
	if r := c.membership.rooms[string(room)]; r != nil {
		n = max(n+r.added, 0) // other hooks change the room meanwhile
	}
	return n + c.rt.remoteSize(string(room)), nil
}

// AppendRoomMembers implements plugin.Env.
func (c *call) AppendRoomMembers(dst, room []byte) ([]byte, error) {
	if !naming.Valid(room) {
		return dst, abi.Invalid
	}
	for _, id := range c.membersOf(string(room)) {
		dst = binary.LittleEndian.AppendUint64(dst, id)
	}
	return dst, nil
}

// AppendRooms implements plugin.Env.
func (c *call) AppendRooms(dst []byte, id ConnID) ([]byte, error) {
	conn, err := c.findConn(id)
	if err != nil {
		return dst, err
	}
	return appendLines(dst, c.roomsOf(conn)), nil
}

// AppendUser implements plugin.Env.
func (c *call) AppendUser(dst []byte, id ConnID) ([]byte, error) {
	conn, err := c.findConn(id)
	if err != nil {
		return dst, err
	}
	return append(dst, c.userOf(conn)...), nil
}

// AppendRoomUsers implements plugin.Env.
func (c *call) AppendRoomUsers(dst, room []byte) ([]byte, error) {
	if !naming.Valid(room) {
		return dst, abi.Invalid
	}
	return appendLines(dst, c.usersIn(string(room))), nil
}

// AppendUsers implements plugin.Env.
func (c *call) AppendUsers(dst []byte) ([]byte, error) {
	return appendLines(dst, c.usersIn("")), nil
}

// usersIn lists the users in a room on all nodes, sorted. An empty name stands
// for the route.
func (c *call) usersIn(room string) []string {
	names := c.localUsersIn(room)
	if b := c.rt.host.broker; b != nil {
		remote := b.Users(c.rt.pattern, room)
		c.charge(listFuel * len(remote))
		names = append(names, remote...)
	}
	c.sort(names)
	return slices.Compact(names)
}

// Online implements plugin.Env.
func (c *call) Online(user []byte) (bool, error) {
	if !naming.Valid(user) {
		return false, abi.Invalid
	}
	if c.rt.isRemote("", string(user)) {
		return true, nil
	}
	if !c.membership.changed {
		return c.rt.hub.Online(string(user)), nil
	}
	return c.isOnline(string(user)), nil
}

// isOnline reports whether a user is present on this node, the hook's changes
// included.
func (c *call) isOnline(user string) bool {
	return c.rt.grace > 0 && c.rt.hub.Online(user) || c.membership.users[user] > 0 || c.keepsConn("", user)
}

// keepsConn reports whether a user whom the hub knows in a room keeps a
// connection there after the hook's changes. An empty name stands for the route.
func (c *call) keepsConn(room, user string) bool {
	conns := c.rt.hub.MembersOfUser([]byte(user))
	c.charge(listFuel * len(conns))
	return slices.ContainsFunc(conns, func(m *hub.Member) bool {
		conn := m.Sink().(*conn)
		return c.userOf(conn) == user && c.isIn(conn, room)
	})
}

// localUsersIn lists the users in a room on this node, in no order. An empty
// name stands for the route. A user whose last connection the hook moves away
// stays present for the presence grace.
func (c *call) localUsersIn(room string) []string {
	c.charge(listFuel * c.rt.hub.CountPresent(room))
	names := c.rt.hub.AppendPresent(nil, room)
	if !c.membership.changed {
		return names
	}
	c.charge(listFuel * len(c.membership.conns))
	present := map[string]bool{} // users of the connections that the hook has changed
	for conn := range c.membership.conns {
		if before := c.rt.hub.User(&conn.member); c.rt.grace <= 0 && before != "" {
			if _, known := present[before]; !known {
				present[before] = c.keepsConn(room, before)
			}
		}
		if user := c.userOf(conn); user != "" && !c.isClosed(conn) && c.isIn(conn, room) {
			present[user] = true
		}
	}
	names = slices.DeleteFunc(names, func(n string) bool {
		is, changed := present[n]
		return changed && (c.rt.grace <= 0 || is)
	})
	for user, is := range present {
		if is {
			names = append(names, user)
		}
	}
	return names
}

// AppendParam implements plugin.Env.
func (c *call) AppendParam(dst []byte, id ConnID, name []byte) ([]byte, error) {
	conn, err := c.findConn(id)
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

// AppendQuery implements plugin.Env.
func (c *call) AppendQuery(dst []byte, id ConnID, name []byte) ([]byte, error) {
	if err := c.checkOnConnect(id); err != nil {
		return dst, err
	}
	if c.query == nil {
		c.query = map[string]string{}
		for name, value := range urlquery.All(c.req.URL.RawQuery) {
			if _, ok := c.query[name]; !ok {
				c.query[name] = value
			}
		}
	}
	if v, ok := c.query[string(name)]; ok {
		return append(dst, v...), nil
	}
	return dst, abi.NotFound
}

// AppendHeader implements plugin.Env. It joins the values of a header by ", ".
func (c *call) AppendHeader(dst []byte, id ConnID, name []byte) ([]byte, error) {
	if err := c.checkOnConnect(id); err != nil {
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

// checkOnConnect returns abi.State unless the hook is the on_connect of a
// connection.
func (c *call) checkOnConnect(id ConnID) error {
	conn, err := c.findConn(id)
	if err != nil {
		return err
	}
	if c.req == nil || conn != c.conn {
		return abi.State
	}
	return nil
}

// AppendRemoteAddr implements plugin.Env.
func (c *call) AppendRemoteAddr(dst []byte, id ConnID) ([]byte, error) {
	conn, err := c.findConn(id)
	if err != nil {
		return dst, err
	}
	return append(dst, conn.remote...), nil
}

// AppendSubprotocol implements plugin.Env.
func (c *call) AppendSubprotocol(dst []byte, id ConnID) ([]byte, error) {
	conn, err := c.findConn(id)
	if err != nil {
		return dst, err
	}
	return append(dst, conn.subprotocol...), nil
}

// AppendClaims implements plugin.Env.
func (c *call) AppendClaims(dst []byte, id ConnID) ([]byte, error) {
	conn, err := c.findConn(id)
	if err != nil {
		return dst, err
	}
	token := conn.token.Load()
	if token == nil {
		return dst, abi.NotFound
	}
	return append(dst, token.Claims...), nil
}
