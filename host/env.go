package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// ConnID identifies a connection within its route on this node.
type ConnID = uint64

// Event is one call of a hook.
type Event struct {
	// Hook is the hook that is called.
	Hook abi.Hook
	// Conn is the connection that the event belongs to. 0: none.
	Conn ConnID
	// Data holds the bytes of the event, as abi.Hooks describes them. The bytes
	// are valid until Run returns. They must not be changed.
	Data []byte
	// Arg is the last parameter of the hook: the kind of a message, the code of
	// a close, the event of on_presence. It is 0 for the other hooks.
	Arg int32
}

// Env gives a running hook access to the host. A hook gets an Env of its own,
// and may use it until it returns, on its own goroutine only.
//
// Changes take effect together, in the order of the calls, after the hook
// returns nil. A hook that returns an error changes nothing. Reads include the
// changes that the same hook has made before.
//
// Errors are [abi.Errno] values: [abi.Invalid] for a malformed name or text,
// [abi.NotFound] for an unknown connection, key or timer, [abi.Limit] where a
// limit of [Limits] is reached, [abi.State] for a call that the current hook
// does not allow, [abi.Timeout] and [abi.Unavailable] for a store that does not
// answer.
//
// Names of rooms, users, keys, timers and metrics hold 1 to [abi.MaxName] bytes
// of UTF-8 without control characters. The host copies the byte slices that it
// is given.
type Env interface {
	// Send sends a message to one connection.
	Send(conn ConnID, kind abi.Kind, data []byte) error
	// Broadcast sends a message to the members of a room on all nodes, except
	// to one connection. except is 0 for a message to all members.
	Broadcast(room string, kind abi.Kind, data []byte, except ConnID) error
	// BroadcastAll sends a message to all connections of the route on all
	// nodes, except to one. except is 0 for a message to all.
	BroadcastAll(kind abi.Kind, data []byte, except ConnID) error
	// SendUser sends a message to all connections of a user on all nodes.
	SendUser(user string, kind abi.Kind, data []byte) error
	// SendUsers sends a message to all connections of several users. It sends
	// to none of them if it returns an error.
	SendUsers(users []string, kind abi.Kind, data []byte) error
	// CloseConn closes a connection after the messages that were sent to it.
	// code is 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999. reason holds at
	// most abi.MaxCloseReason bytes.
	CloseConn(conn ConnID, code int, reason string) error

	// Join makes a connection a member of a room. It does nothing if the
	// connection is a member already.
	Join(conn ConnID, room string) error
	// Leave ends the membership of a connection in a room. It does nothing if
	// the connection is no member.
	Leave(conn ConnID, room string) error
	// RoomSize returns the number of connections in a room on all nodes.
	RoomSize(room string) (int, error)
	// RoomMembers lists the connections in a room on this node, sorted.
	RoomMembers(room string) ([]ConnID, error)
	// RoomUsers lists the users in a room on all nodes, sorted.
	RoomUsers(room string) ([]string, error)
	// Rooms lists the rooms of a connection in the order of joining.
	Rooms(conn ConnID) ([]string, error)

	// Identify sets the user of a connection. An empty user removes it.
	Identify(conn ConnID, user string) error
	// User returns the user of a connection, empty for none.
	User(conn ConnID) (string, error)
	// Online reports whether a user is present on any node. A user stays
	// present for Route.PresenceGrace after the last connection has gone.
	Online(user string) (bool, error)
	// Users lists the users that are present on all nodes, sorted.
	Users() ([]string, error)

	// Param returns a parameter of the path, such as room_id of
	// /rooms/:room_id.
	Param(conn ConnID, name string) (string, error)
	// Query returns the first value of a query parameter. It is available in
	// OnConnect only, for the connection of the event.
	Query(conn ConnID, name string) (string, error)
	// Header returns a header of the handshake, several values joined by ", ".
	// It is available in OnConnect only, for the connection of the event.
	Header(conn ConnID, name string) (string, error)
	// RemoteAddr returns the IP address of the client, as trusted proxies
	// report it.
	RemoteAddr(conn ConnID) (string, error)
	// Subprotocol returns the WebSocket subprotocol, empty for none.
	Subprotocol(conn ConnID) (string, error)
	// Claims returns the claims of the verified token as a JSON object.
	// The error is abi.NotFound for a connection without a token.
	Claims(conn ConnID) ([]byte, error)

	// Value returns a value that SetValue has stored with a connection.
	Value(conn ConnID, key string) ([]byte, error)
	// SetValue stores a value with a connection. The value is deleted when
	// the connection ends. Limits.ValueBytes bounds the values of a connection.
	SetValue(conn ConnID, key string, data []byte) error
	// DeleteValue deletes a value of a connection.
	DeleteValue(conn ConnID, key string) error

	// StoreGet returns a value of the route's store.
	StoreGet(key string) ([]byte, error)
	// StoreSet stores a value. ttl is the time until it expires, 0 for never.
	StoreSet(key string, data []byte, ttl time.Duration) error
	// StoreDelete deletes a value.
	StoreDelete(key string) error
	// StoreAdd adds delta to a decimal number and returns the sum. A key that
	// does not exist counts as 0; only then ttl is used, as in StoreSet.
	StoreAdd(key string, delta int64, ttl time.Duration) (int64, error)

	// TimerSet has OnTimer called after a time. conn is 0 for a timer of the
	// route; other timers end with their connection. A timer of the same
	// connection and name is replaced.
	TimerSet(conn ConnID, name string, after time.Duration) error
	// TimerClear removes a timer that TimerSet has set.
	TimerClear(conn ConnID, name string) error

	// Log writes a line to the host's log at once, also if the hook fails
	// later. Lines are bounded in length and rate.
	Log(level abi.Level, text string)
	// Metric changes the metric azuhost_app_NAME. labels holds at most 5 labels
	// as name=value, one a line. A metric has the same operation and label names
	// on every call.
	Metric(op abi.MetricOp, name, labels string, value float64) error
	// Now returns the time of the host's Clock.
	Now() time.Time
	// Fail makes the hook fail with a text for the log, whatever it returns.
	Fail(text string)
}
