package plugin

// hostJoin implements join(conn, room*).
func hostJoin(c *callContext, s []uint64) uint64 {
	room := c.input(s[1], s[2])
	return errnoResult(c.env.Join(s[0], room))
}

// hostLeave implements leave(conn, room*).
func hostLeave(c *callContext, s []uint64) uint64 {
	room := c.input(s[1], s[2])
	return errnoResult(c.env.Leave(s[0], room))
}

// hostRoomSize implements room_size(room*).
func hostRoomSize(c *callContext, s []uint64) uint64 {
	n, err := c.env.RoomSize(c.input(s[0], s[1]))
	if err != nil {
		return errnoOf(err)
	}
	return lengthResult(n)
}

// hostRoomMembers implements room_members(room*, buf).
func hostRoomMembers(c *callContext, s []uint64) uint64 {
	room, dst := c.input(s[0], s[1]), c.buffer(s[2], s[3])
	data, err := c.env.AppendRoomMembers(c.scratch[:0], room)
	return c.output(dst, data, err)
}

// hostRoomUsers implements room_users(room*, buf).
func hostRoomUsers(c *callContext, s []uint64) uint64 {
	room, dst := c.input(s[0], s[1]), c.buffer(s[2], s[3])
	data, err := c.env.AppendRoomUsers(c.scratch[:0], room)
	return c.output(dst, data, err)
}

// hostRooms implements rooms(conn, buf).
func hostRooms(c *callContext, s []uint64) uint64 {
	dst := c.buffer(s[1], s[2])
	data, err := c.env.AppendRooms(c.scratch[:0], s[0])
	return c.output(dst, data, err)
}
