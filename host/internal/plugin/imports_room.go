package plugin

// join(conn, room*)
func hostJoin(c *callContext, s []uint64) uint64 {
	room := c.bytes(s[1], s[2])
	return result(c.env.Join(s[0], room))
}

// leave(conn, room*)
func hostLeave(c *callContext, s []uint64) uint64 {
	room := c.bytes(s[1], s[2])
	return result(c.env.Leave(s[0], room))
}

// room_size(room*)
func hostRoomSize(c *callContext, s []uint64) uint64 {
	n, err := c.env.RoomSize(c.bytes(s[0], s[1]))
	if err != nil {
		return errno(err)
	}
	return length(n)
}

// room_members(room*, buf)
func hostRoomMembers(c *callContext, s []uint64) uint64 {
	room, dst := c.bytes(s[0], s[1]), c.buffer(s[2], s[3])
	data, err := c.env.AppendRoomMembers(c.scratch[:0], room)
	return c.give(dst, data, err)
}

// room_users(room*, buf)
func hostRoomUsers(c *callContext, s []uint64) uint64 {
	room, dst := c.bytes(s[0], s[1]), c.buffer(s[2], s[3])
	data, err := c.env.AppendRoomUsers(c.scratch[:0], room)
	return c.give(dst, data, err)
}

// rooms(conn, buf)
func hostRooms(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[1], s[2])
	data, err := c.env.AppendRooms(c.scratch[:0], s[0])
	return c.give(dst, data, err)
}

// identify(conn, user*)
func hostIdentify(c *callContext, s []uint64) uint64 {
	user := c.bytes(s[1], s[2])
	return result(c.env.Identify(s[0], user))
}

// user(conn, buf)
func hostUser(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[1], s[2])
	data, err := c.env.AppendUser(c.scratch[:0], s[0])
	return c.give(dst, data, err)
}

// online(user*)
func hostOnline(c *callContext, s []uint64) uint64 {
	yes, err := c.env.Online(c.bytes(s[0], s[1]))
	if err != nil {
		return errno(err)
	}
	if yes {
		return 1
	}
	return 0
}

// users(buf)
func hostUsers(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[0], s[1])
	data, err := c.env.AppendUsers(c.scratch[:0])
	return c.give(dst, data, err)
}
