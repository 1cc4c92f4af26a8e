package azu

import (
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// Conn is a connection of the channel. It is an id, which can be kept, compared and used as the key of a map, and never
// 0. After the connection has closed, methods return [ErrNotFound]. Ids are not reused.
type Conn uint64

// Send sends a message to the connection.
func (c Conn) Send(m Message) error {
	return check(raw.Send(uint64(c), int32(m.Kind), m.text()))
}

// Close closes the connection after the messages that were sent to it before. code is 1000, 1001, 1003, 1007 to 1013,
// or 3000 to 4999; reason has at most 123 bytes.
func (c Conn) Close(code int, reason string) error {
	return check(raw.Close(uint64(c), int32(code), reason))
}

// Join makes the connection a member of a room. A room exists while it has members. Joining again has no effect.
func (c Conn) Join(room Room) error { return check(raw.Join(uint64(c), string(room))) }

// Leave ends the membership in a room. A connection that closes leaves its rooms.
func (c Conn) Leave(room Room) error { return check(raw.Leave(uint64(c), string(room))) }

// Rooms returns the rooms of the connection in the order of joining.
func (c Conn) Rooms() []Room {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.Rooms(uint64(c), buf, size) })
	return lines[Room](s)
}

// Identify sets the user of the connection. A user can have many connections. An empty name removes the user. The host
// does not verify the user: the plugin must.
func (c Conn) Identify(user User) error { return check(raw.Identify(uint64(c), string(user))) }

// User returns the user of the connection, empty if it has none.
func (c Conn) User() User {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.User(uint64(c), buf, size) })
	return User(s)
}

// Param returns a parameter of the path: the path "/rooms/:room_id" has the parameter "room_id". It is empty if there
// is no parameter of this name.
func (c Conn) Param(name string) string {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.Param(uint64(c), name, buf, size) })
	return s
}

// AppendParam appends a parameter of the path to dst. It does not allocate a string, and returns [ErrNotFound] if there
// is no parameter of this name.
func (c Conn) AppendParam(dst []byte, name string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Param(uint64(c), name, buf, size) })
	return append(dst, b...), err
}

// Query returns the first query parameter of this name in the request, decoded. It is empty if there is none, and
// outside OnConnect.
func (c Conn) Query(name string) string {
	return fetchInConnect("Query", func(buf *byte, size uint32) int32 { return raw.Query(uint64(c), name, buf, size) })
}

// AppendQuery appends a query parameter to dst. It does not allocate a string, and returns [ErrNotFound] if there is no
// parameter of this name, and [ErrState] outside OnConnect.
func (c Conn) AppendQuery(dst []byte, name string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Query(uint64(c), name, buf, size) })
	return append(dst, b...), err
}

// Header returns a header of the request. Several values are joined by ", ". It is empty if there is none, and outside
// OnConnect.
func (c Conn) Header(name string) string {
	return fetchInConnect("Header", func(buf *byte, size uint32) int32 { return raw.Header(uint64(c), name, buf, size) })
}

// AppendHeader appends a header of the request to dst. It does not allocate a string, and returns the errors of
// AppendQuery.
func (c Conn) AppendHeader(dst []byte, name string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Header(uint64(c), name, buf, size) })
	return append(dst, b...), err
}

// fetchInConnect returns data that exists in OnConnect only. Outside OnConnect it logs a warning and returns an empty
// string. method is the name of the caller.
func fetchInConnect(method string, get func(buf *byte, size uint32) int32) string {
	s, err := fetchString(get)
	if err == ErrState {
		Warn("azu: " + method + " is empty outside OnConnect: keep what you need with SetValue")
	}
	return s
}

// requestTarget is the request target while OnConnect runs.
var requestTarget []byte

// Target returns the request target as the client has sent it: the path and, if there is one, ? and the query. It is
// empty outside OnConnect.
func (c Conn) Target() string { return string(requestTarget) }

// RemoteAddr returns the client's IP address, without the port.
func (c Conn) RemoteAddr() string {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.RemoteAddr(uint64(c), buf, size) })
	return s
}

// Subprotocol returns the agreed subprotocol, empty if there is none.
func (c Conn) Subprotocol() string {
	s, _ := fetchString(func(buf *byte, size uint32) int32 { return raw.Subprotocol(uint64(c), buf, size) })
	return s
}

// Claims returns the claims of the client's token as a JSON object: the verified payload of the token with which the
// client has connected, or of the last one that it has sent since. It is nil if there is none, as on every route
// without "auth: required" or "auth: optional".
func (c Conn) Claims() []byte {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.Claims(uint64(c), buf, size) })
	if err != nil {
		return nil
	}
	return append([]byte(nil), b...)
}

// Claim returns one of the Claims, as in c.Claim("role").Is("admin"). If there is no claim of this name, Exists of the
// result is false.
func (c Conn) Claim(name string) json.Value {
	v, err := json.Parse(c.Claims())
	if err != nil {
		return json.Value{}
	}
	return v.Get(name)
}

// Value returns the value that SetValue has set, or [ErrNotFound].
func (c Conn) Value(key string) (string, error) {
	return fetchString(func(buf *byte, size uint32) int32 { return raw.ValueGet(uint64(c), key, buf, size) })
}

// AppendValue appends a value to dst. It does not allocate a string.
func (c Conn) AppendValue(dst []byte, key string) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.ValueGet(uint64(c), key, buf, size) })
	return append(dst, b...), err
}

// SetValue sets a value of the connection. The host keeps it until the connection closes, for all instances and
// versions of the plugin.
func (c Conn) SetValue(key, value string) error {
	return check(raw.ValueSet(uint64(c), key, value))
}

// DeleteValue deletes a value. It returns [ErrNotFound] if there is none.
func (c Conn) DeleteValue(key string) error { return check(raw.ValueDelete(uint64(c), key)) }

// SetTimer sets a timer: OnTimer is called once, with c and name, after the time after. A timer of the same name is
// replaced. The timer ends when the connection closes.
func (c Conn) SetTimer(name string, after time.Duration) error {
	return check(raw.TimerSet(uint64(c), name, milliseconds(after)))
}

// ClearTimer clears a timer. It returns [ErrNotFound] if there is none of this name.
func (c Conn) ClearTimer(name string) error { return check(raw.TimerClear(uint64(c), name)) }
