package host

import (
	"bytes"
	"encoding/binary"
	"iter"
	"slices"

	"github.com/azuhost/azuhost/host/abi"
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

// roomsOf lists the rooms of a connection.
func (c *call) roomsOf(conn *conn) []string {
	var rooms []string
	if c.left(conn) {
		rooms = conn.gone.rooms
	} else {
		rooms = c.ch.hub.RoomsOf(&conn.member)
	}
	for i := range c.ops {
		o := &c.ops[i]
		if o.conn != conn {
			continue
		}
		name := string(c.bytes(o.name))
		switch at := slices.Index(rooms, name); {
		case o.kind == opJoin && at < 0:
			rooms = append(rooms, name)
		case o.kind == opLeave && at >= 0:
			rooms = slices.Delete(slices.Clone(rooms), at, at+1)
		}
	}
	return rooms
}

// countRooms is how many rooms conn would be in after joining room.
func (c *call) countRooms(conn *conn, room []byte) int {
	rooms := c.roomsOf(conn)
	if slices.Contains(rooms, string(room)) {
		return len(rooms)
	}
	return len(rooms) + 1
}

// userOf is the user of a connection.
func (c *call) userOf(conn *conn) string {
	var user string
	if c.left(conn) {
		user = conn.gone.user
	} else {
		user = c.ch.hub.User(&conn.member)
	}
	for i := range c.ops {
		if o := &c.ops[i]; o.kind == opIdentify && o.conn == conn {
			user = string(c.bytes(o.name))
		}
	}
	return user
}

// membersOf lists the connections in a room, sorted.
func (c *call) membersOf(room string) []uint64 {
	ids := c.ch.hub.MembersOf(room)
	for i := range c.ops {
		o := &c.ops[i]
		if o.kind != opJoin && o.kind != opLeave || string(c.bytes(o.name)) != room || c.left(o.conn) {
			continue
		}
		switch at, in := slices.BinarySearch(ids, o.conn.member.ID); {
		case o.kind == opJoin && !in:
			ids = slices.Insert(ids, at, o.conn.member.ID)
		case o.kind == opLeave && in:
			ids = slices.Delete(ids, at, at+1)
		}
	}
	return ids
}

// RoomSize implements Env.
func (c *call) RoomSize(room []byte) (int, error) {
	if !validName(room) {
		return 0, abi.Invalid
	}
	there := c.ch.sizeElsewhere(string(room))
	if !c.moved {
		return c.ch.hub.Size(room) + there, nil
	}
	return c.sizeOf(string(room)) + there, nil
}

// sizeOf is how many connections are in a room, with the gathered moves on top.
func (c *call) sizeOf(room string) int {
	n := c.ch.hub.Size([]byte(room))
	moves := map[*conn]int{} // 1: it comes, -1: it goes
	for i := range c.ops {
		o := &c.ops[i]
		if o.kind != opJoin && o.kind != opLeave || string(c.bytes(o.name)) != room || c.left(o.conn) {
			continue
		}
		switch in := c.ch.hub.In(&o.conn.member, room); {
		case o.kind == opJoin && !in:
			moves[o.conn] = 1
		case o.kind == opLeave && in:
			moves[o.conn] = -1
		default:
			delete(moves, o.conn)
		}
	}
	for _, d := range moves {
		n += d
	}
	return n
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
	return appendLines(dst, c.ch.withElsewhere(string(room), c.present(string(room)))), nil
}

// AppendUsers implements Env.
func (c *call) AppendUsers(dst []byte) ([]byte, error) {
	return appendLines(dst, c.ch.withElsewhere("", c.present(""))), nil
}

// Online implements Env.
func (c *call) Online(user []byte) (bool, error) {
	if !validName(user) {
		return false, abi.Invalid
	}
	if c.ch.isElsewhere("", string(user)) {
		return true, nil
	}
	if !c.moved {
		return c.ch.hub.Online(string(user)), nil
	}
	return c.online(string(user)), nil
}

// online is Online with the gathered moves on top. It asks for one user only,
// as there may be many.
func (c *call) online(user string) bool {
	if c.ch.grace > 0 && c.ch.hub.Online(user) {
		return true
	}
	for _, m := range c.ch.hub.Conns([]byte(user)) {
		if c.userOf(m.Sink().(*conn)) == user {
			return true
		}
	}
	for i := range c.ops {
		if o := &c.ops[i]; o.kind == opIdentify && !c.left(o.conn) && c.userOf(o.conn) == user {
			return true
		}
	}
	return false
}

// present lists the users in a room, or in the channel for an empty name,
// sorted. Those that the hook takes away stay present for the grace.
func (c *call) present(room string) []string {
	users := c.ch.hub.Present(room)
	if !c.moved {
		return users
	}
	if c.ch.grace <= 0 {
		users = users[:0]
	}
	var ids []uint64
	if room != "" {
		ids = c.membersOf(room)
	} else {
		for _, m := range c.ch.hub.Members() {
			ids = append(ids, m.ID)
		}
		if c.hook == abi.OnConnect && c.conn != nil {
			ids = append(ids, c.conn.member.ID)
		}
	}
	for _, id := range ids {
		conn, err := c.find(id)
		if err != nil {
			continue
		}
		if u := c.userOf(conn); u != "" {
			users = append(users, u)
		}
	}
	slices.Sort(users)
	return slices.Compact(users)
}

// AppendParam implements Env.
func (c *call) AppendParam(dst []byte, id uint64, name []byte) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	for i, p := range c.ch.params {
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
	if v, ok := c.req.URL.Query()[string(name)]; ok {
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

// AppendValue implements Env.
func (c *call) AppendValue(dst []byte, id uint64, key []byte) ([]byte, error) {
	conn, err := c.find(id)
	if err != nil {
		return dst, err
	}
	if !validName(key) {
		return dst, abi.Invalid
	}
	for i := len(c.ops) - 1; i >= 0; i-- {
		o := &c.ops[i]
		if o.conn != conn || o.kind != opSetValue && o.kind != opDeleteValue || !bytes.Equal(c.bytes(o.name), key) {
			continue
		}
		if o.kind == opDeleteValue {
			return dst, abi.NotFound
		}
		return append(dst, c.bytes(o.data)...), nil
	}
	dst, ok := conn.values.append(dst, key)
	if !ok {
		return dst, abi.NotFound
	}
	return dst, nil
}
