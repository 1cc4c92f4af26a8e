package azu

import (
	"strings"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// Room is the name of a room of the channel. A room exists while it has members. Rooms of different routes are
// independent, also if they have the same name.
type Room string

// Broadcast sends a message to all members of the room.
func (r Room) Broadcast(m Message) error { return r.BroadcastExcept(m, 0) }

// BroadcastExcept sends a message to all members of the room except one.
func (r Room) BroadcastExcept(m Message, except Conn) error {
	return check(raw.Broadcast(string(r), int32(m.Kind), m.text(), uint64(except)))
}

// Size returns the number of connections in the room.
func (r Room) Size() int { return max(0, int(raw.RoomSize(string(r)))) }

// Members returns the connections in the room.
func (r Room) Members() []Conn {
	b, _ := fetch(func(buf *byte, size uint32) int32 { return raw.RoomMembers(string(r), buf, size) })
	if len(b) < 8 {
		return nil
	}
	list := make([]Conn, len(b)/8)
	for i := range list {
		for j := range 8 {
			list[i] |= Conn(b[8*i+j]) << (8 * j)
		}
	}
	return list
}

// Users returns the users present in the room, sorted.
func (r Room) Users() []User {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.RoomUsers(string(r), buf, size) })
	return lines[User](s)
}

// Broadcast sends a message to all connections of the channel.
func Broadcast(m Message) error { return BroadcastExcept(m, 0) }

// BroadcastExcept sends a message to all connections of the channel except one.
func BroadcastExcept(m Message, except Conn) error {
	return check(raw.BroadcastAll(int32(m.Kind), m.text(), uint64(except)))
}

// Target is the target of a message from outside: a room, a user, or all connections of the channel if both are empty.
type Target struct {
	Room Room
	User User
}

// Send sends a message to the target.
func (t Target) Send(m Message) error {
	switch {
	case t.Room != "":
		return t.Room.Broadcast(m)
	case t.User != "":
		return t.User.Send(m)
	}
	return Broadcast(m)
}

// User is the name of a user of the channel, as set by [Conn.Identify].
type User string

// Send sends a message to all connections of the user. A user without connections is no error.
func (u User) Send(m Message) error {
	return check(raw.SendUser(string(u), int32(m.Kind), m.text()))
}

// Online returns whether the user is present in the channel: connected, or within the grace of the route after the last
// connection.
func (u User) Online() bool { return raw.Online(string(u)) == 1 }

// SendUsers sends a message to all connections of several users.
func SendUsers(users []User, m Message) error {
	names := scratch[:0]
	for i, u := range users {
		if u == "" || strings.Contains(string(u), "\n") {
			return ErrInvalid
		}
		if i > 0 {
			names = append(names, '\n')
		}
		names = append(names, u...)
	}
	if len(names) == 0 {
		return nil
	}
	return check(raw.SendUsers(str(names), int32(m.Kind), m.text()))
}

// Users returns the users present in the channel, sorted.
func Users() []User {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.Users(buf, size) })
	return lines[User](s)
}
