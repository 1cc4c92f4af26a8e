package azu

import (
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// Conn is a connection of the channel. It is an id: it can be kept, compared
// and used as the key of a map, and is never 0. Once the connection is gone,
// methods answer with [ErrNotFound]; ids are not used again.
type Conn uint64

// Send sends a message to the connection.
func (c Conn) Send(m Message) error {
	return check(raw.Send(uint64(c), int32(m.Kind), m.text()))
}

// Close closes the connection, after what was sent to it before. code is
// 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999; reason is at most 123 bytes.
func (c Conn) Close(code int, reason string) error {
	return check(raw.Close(uint64(c), int32(code), reason))
}

// Join makes the connection a member of a room. Rooms need not be made: one
// exists as long as it has members. Joining again does nothing.
func (c Conn) Join(room Room) error { return check(raw.Join(uint64(c), string(room))) }

// Leave ends the membership in a room. A connection that goes away leaves
// its rooms by itself.
func (c Conn) Leave(room Room) error { return check(raw.Leave(uint64(c), string(room))) }

// Rooms lists the rooms of the connection, in the order of joining.
func (c Conn) Rooms() []Room {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.Rooms(uint64(c), buf, size) })
	return lines[Room](s)
}

// Identify says which user the connection belongs to. A user can have many
// connections. An empty name takes it back. Who the user is has to be proved
// to the plugin: the host believes it.
func (c Conn) Identify(user User) error { return check(raw.Identify(uint64(c), string(user))) }

// User is whom the connection belongs to, empty if nobody.
func (c Conn) User() User {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.User(uint64(c), buf, size) })
	return User(s)
}

// Param is a parameter of the path: of "/rooms/:room_id" it has "room_id".
// Empty if there is none of this name.
func (c Conn) Param(name string) string {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.Param(uint64(c), name, buf, size) })
	return s
}

// AppendParam appends a parameter of the path to dst. It is Param without an
// allocation, and with an error where there is none of this name.
func (c Conn) AppendParam(dst []byte, name string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Param(uint64(c), name, buf, size) })
	return append(dst, b...), err
}

// Query is the first query parameter of this name in the request, decoded; in
// OnConnect only. Empty if there is none.
func (c Conn) Query(name string) string {
	return inConnect("Query", func(buf *byte, size uint32) int32 { return raw.Query(uint64(c), name, buf, size) })
}

// AppendQuery appends a query parameter to dst. It is Query without an
// allocation, and with an error: [ErrNotFound] where there is none of this name,
// [ErrState] outside OnConnect.
func (c Conn) AppendQuery(dst []byte, name string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Query(uint64(c), name, buf, size) })
	return append(dst, b...), err
}

// Header is a header of the request; in OnConnect only. Several of the same
// name are joined by ", ". Empty if there is none.
func (c Conn) Header(name string) string {
	return inConnect("Header", func(buf *byte, size uint32) int32 { return raw.Header(uint64(c), name, buf, size) })
}

// AppendHeader appends a header of the request to dst. It is Header without an
// allocation, and with an error as AppendQuery has it.
func (c Conn) AppendHeader(dst []byte, name string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Header(uint64(c), name, buf, size) })
	return append(dst, b...), err
}

// inConnect fetches what is there in OnConnect only. Elsewhere it is empty,
// and a warning in the log says why.
func inConnect(what string, get func(buf *byte, size uint32) int32) string {
	s, err := fetchString(get)
	if err == ErrState {
		Warn("azu: " + what + " is empty outside OnConnect: keep what you need with SetValue")
	}
	return s
}

// target is the request target while OnConnect runs.
var target []byte

// Target is the request target, the path and, where there is one, ? and the
// query, as the client sent it; in OnConnect only. Empty elsewhere.
func (c Conn) Target() string { return string(target) }

// RemoteAddr is the client's IP address, without the port.
func (c Conn) RemoteAddr() string {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.RemoteAddr(uint64(c), buf, size) })
	return s
}

// Subprotocol is what client and host agreed on, empty if nothing.
func (c Conn) Subprotocol() string {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.Subprotocol(uint64(c), buf, size) })
	return s
}

// Claims are the claims of the token with which the client connected, as a JSON
// object: the payload that the host has verified, or that of the token that the
// client has sent since. nil where there is none, as on every route that does
// not say auth: required or optional.
func (c Conn) Claims() []byte {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Claims(uint64(c), buf, size) })
	if err != nil {
		return nil
	}
	return append([]byte(nil), b...)
}

// Claim is one of the Claims: c.Claim("role").Is("admin"). Its Exists is false
// where there is none of this name.
func (c Conn) Claim(name string) json.Value {
	v, err := json.Parse(c.Claims())
	if err != nil {
		return json.Value{}
	}
	return v.Get(name)
}

// Value is what SetValue keeps under key. [ErrNotFound] if there is nothing.
func (c Conn) Value(key string) (string, error) {
	return fetchString(func(buf *byte, size uint32) int32 { return raw.ValueGet(uint64(c), key, buf, size) })
}

// AppendValue appends a value to dst. It is Value without an allocation.
func (c Conn) AppendValue(dst []byte, key string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.ValueGet(uint64(c), key, buf, size) })
	return append(dst, b...), err
}

// SetValue keeps a value with the connection, for as long as it lives: in the
// host, so that every instance and every version of the plugin finds it.
func (c Conn) SetValue(key, value string) error {
	return check(raw.ValueSet(uint64(c), key, value))
}

// DeleteValue forgets a value. [ErrNotFound] if there is none.
func (c Conn) DeleteValue(key string) error { return check(raw.ValueDelete(uint64(c), key)) }

// SetTimer has OnTimer called once with c and name, so long from now. The same
// name again sets the timer anew. The timer ends with the connection.
func (c Conn) SetTimer(name string, after time.Duration) error {
	return check(raw.TimerSet(uint64(c), name, milliseconds(after)))
}

// ClearTimer clears a timer. [ErrNotFound] if there is none of this name.
func (c Conn) ClearTimer(name string) error { return check(raw.TimerClear(uint64(c), name)) }
