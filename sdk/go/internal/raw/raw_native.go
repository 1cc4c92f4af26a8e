//go:build !wasip1

package raw

import "unsafe"

// host returns Current, and panics if it is nil.
func host() Host {
	if Current == nil {
		panic("azu: there is no host: call this function in a hook, and run hooks in tests with the package azutest")
	}
	return Current
}

// copyOut returns the result of a getter. It copies data to the buffer if it fits.
func copyOut(buf *byte, size uint32, data []byte, errno int32) int32 {
	if errno < 0 {
		return errno
	}
	if len(data) <= int(size) && len(data) > 0 {
		copy(unsafe.Slice(buf, size), data)
	}
	return int32(len(data))
}

// Send is the host function send.
func Send(conn uint64, kind int32, data string) int32 { return host().Send(conn, kind, data) }

// Broadcast is the host function broadcast.
func Broadcast(room string, kind int32, data string, except uint64) int32 {
	return host().Broadcast(room, kind, data, except)
}

// BroadcastAll is the host function broadcast_all.
func BroadcastAll(kind int32, data string, except uint64) int32 {
	return host().BroadcastAll(kind, data, except)
}

// SendUser is the host function send_user.
func SendUser(user string, kind int32, data string) int32 { return host().SendUser(user, kind, data) }

// SendUsers is the host function send_users.
func SendUsers(users string, kind int32, data string) int32 {
	return host().SendUsers(users, kind, data)
}

// Close is the host function close.
func Close(conn uint64, code int32, reason string) int32 { return host().Close(conn, code, reason) }

// Join is the host function join.
func Join(conn uint64, room string) int32 { return host().Join(conn, room) }

// Leave is the host function leave.
func Leave(conn uint64, room string) int32 { return host().Leave(conn, room) }

// RoomSize is the host function room_size.
func RoomSize(room string) int32 { return host().RoomSize(room) }

// RoomMembers is the host function room_members.
func RoomMembers(room string, buf *byte, size uint32) int32 {
	data, errno := host().RoomMembers(room)
	return copyOut(buf, size, data, errno)
}

// RoomUsers is the host function room_users.
func RoomUsers(room string, buf *byte, size uint32) int32 {
	data, errno := host().RoomUsers(room)
	return copyOut(buf, size, data, errno)
}

// Rooms is the host function rooms.
func Rooms(conn uint64, buf *byte, size uint32) int32 {
	data, errno := host().Rooms(conn)
	return copyOut(buf, size, data, errno)
}

// Identify is the host function identify.
func Identify(conn uint64, user string) int32 { return host().Identify(conn, user) }

// User is the host function user.
func User(conn uint64, buf *byte, size uint32) int32 {
	data, errno := host().User(conn)
	return copyOut(buf, size, data, errno)
}

// Online is the host function online.
func Online(user string) int32 { return host().Online(user) }

// Users is the host function users.
func Users(buf *byte, size uint32) int32 {
	data, errno := host().Users()
	return copyOut(buf, size, data, errno)
}

// Param is the host function param.
func Param(conn uint64, name string, buf *byte, size uint32) int32 {
	data, errno := host().Param(conn, name)
	return copyOut(buf, size, data, errno)
}

// Query is the host function query.
func Query(conn uint64, name string, buf *byte, size uint32) int32 {
	data, errno := host().Query(conn, name)
	return copyOut(buf, size, data, errno)
}

// Header is the host function header.
func Header(conn uint64, name string, buf *byte, size uint32) int32 {
	data, errno := host().Header(conn, name)
	return copyOut(buf, size, data, errno)
}

// RemoteAddr is the host function remote_addr.
func RemoteAddr(conn uint64, buf *byte, size uint32) int32 {
	data, errno := host().RemoteAddr(conn)
	return copyOut(buf, size, data, errno)
}

// Subprotocol is the host function subprotocol.
func Subprotocol(conn uint64, buf *byte, size uint32) int32 {
	data, errno := host().Subprotocol(conn)
	return copyOut(buf, size, data, errno)
}

// Claims is the host function claims.
func Claims(conn uint64, buf *byte, size uint32) int32 {
	data, errno := host().Claims(conn)
	return copyOut(buf, size, data, errno)
}

// ValueGet is the host function value_get.
func ValueGet(conn uint64, key string, buf *byte, size uint32) int32 {
	data, errno := host().ValueGet(conn, key)
	return copyOut(buf, size, data, errno)
}

// ValueSet is the host function value_set.
func ValueSet(conn uint64, key, data string) int32 { return host().ValueSet(conn, key, data) }

// ValueDelete is the host function value_delete.
func ValueDelete(conn uint64, key string) int32 { return host().ValueDelete(conn, key) }

// StoreGet is the host function store_get.
func StoreGet(key string, buf *byte, size uint32) int32 {
	data, errno := host().StoreGet(key)
	return copyOut(buf, size, data, errno)
}

// StoreSet is the host function store_set.
func StoreSet(key, data string, ttlMS int64) int32 { return host().StoreSet(key, data, ttlMS) }

// StoreDelete is the host function store_delete.
func StoreDelete(key string) int32 { return host().StoreDelete(key) }

// StoreAdd is the host function store_add.
func StoreAdd(key string, delta, ttlMS int64, result *int64) int32 {
	sum, errno := host().StoreAdd(key, delta, ttlMS)
	if errno >= 0 {
		*result = sum
	}
	return errno
}

// TimerSet is the host function timer_set.
func TimerSet(conn uint64, name string, afterMS int64) int32 {
	return host().TimerSet(conn, name, afterMS)
}

// TimerClear is the host function timer_clear.
func TimerClear(conn uint64, name string) int32 { return host().TimerClear(conn, name) }

// Log is the host function log.
func Log(level int32, text string) int32 { return host().Log(level, text) }

// Metric is the host function metric.
func Metric(op int32, name, labels string, value float64) int32 {
	return host().Metric(op, name, labels, value)
}

// Now is the host function now.
func Now() int64 { return host().Now() }

// Fail is the host function fail.
func Fail(text string) int32 { return host().Fail(text) }

// Read is the host function read.
func Read(ptr *byte, offset, size uint32) int32 {
	data, errno := host().Read()
	if errno < 0 {
		return errno
	}
	data = data[min(int(offset), len(data)):]
	data = data[:min(int(size), len(data))]
	return copyOut(ptr, size, data, 0)
}
