package plugin

import "github.com/azuhost/azuhost/host/abi"

// hostSend implements send(conn, kind, data*).
func hostSend(c *callContext, s []uint64) uint64 {
	data := c.input(s[2], s[3])
	return errnoResult(c.env.Send(s[0], kindOf(s[1]), data))
}

// hostBroadcast implements broadcast(room*, kind, data*, except).
func hostBroadcast(c *callContext, s []uint64) uint64 {
	room, data := c.input(s[0], s[1]), c.input(s[3], s[4])
	return errnoResult(c.env.Broadcast(room, kindOf(s[2]), data, s[5]))
}

// hostBroadcastAll implements broadcast_all(kind, data*, except).
func hostBroadcastAll(c *callContext, s []uint64) uint64 {
	data := c.input(s[1], s[2])
	return errnoResult(c.env.BroadcastAll(kindOf(s[0]), data, s[3]))
}

// hostSendUser implements send_user(user*, kind, data*).
func hostSendUser(c *callContext, s []uint64) uint64 {
	user, data := c.input(s[0], s[1]), c.input(s[3], s[4])
	return errnoResult(c.env.SendUser(user, kindOf(s[2]), data))
}

// hostSendUsers implements send_users(users*, kind, data*).
func hostSendUsers(c *callContext, s []uint64) uint64 {
	users, data := c.input(s[0], s[1]), c.input(s[3], s[4])
	return errnoResult(c.env.SendUsers(users, kindOf(s[2]), data))
}

// hostClose implements close(conn, code, reason*).
func hostClose(c *callContext, s []uint64) uint64 {
	reason := c.input(s[2], s[3])
	return errnoResult(c.env.CloseConn(s[0], int32(s[1]), reason))
}

func kindOf(v uint64) abi.Kind { return abi.Kind(int32(v)) }
