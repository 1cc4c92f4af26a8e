// Package protocol has what the JSON messages of the ready-made plugins share: a type, ping and pong,
// and errors.
package protocol

import (
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// Codes of {"type":"error","code":…}. The host has one more: INTERNAL_ERROR.
const (
	InvalidJSON    = "INVALID_JSON"    // the message is not a JSON object
	UnknownType    = "UNKNOWN_TYPE"    // the channel has no such type
	InvalidMessage = "INVALID_MESSAGE" // a member is missing or has the wrong type
	InvalidName    = "INVALID_NAME"    // a room, topic or user cannot have this name
	NotSubscribed  = "NOT_SUBSCRIBED"  // the connection is not in the room
	Limit          = "LIMIT"           // a limit of the route is reached
)

// Error sends an error to the client.
func Error(c azu.Conn, code string) error {
	return c.Send(azu.Text(New("error").Str("code", code).Bytes()))
}

// buffer holds the message that is built. The host copies messages that are sent.
var buffer [1 << 10]byte

// New begins a message of a type. It is valid until the next call of New.
func New(kind string) json.Object { return json.New(buffer[:0]).Str("type", kind) }

// Read parses a message and returns it with its type. ok is false if it is not a JSON object; the client
// then has got an error.
func Read(c azu.Conn, m azu.Message) (message, kind json.Value, ok bool, err error) {
	if m.IsText() {
		message, err = json.Parse(m.Data)
	}
	if err != nil || message.Kind() != json.Obj {
		return message, kind, false, Error(c, InvalidJSON)
	}
	return message, message.Get("type"), true, nil
}

// Fallback answers the types that a channel does not handle: ping, and unknown ones.
func Fallback(c azu.Conn, kind json.Value) error {
	if kind.Is("ping") {
		return c.Send(azu.Text(`{"type":"pong"}`))
	}
	return Error(c, UnknownType)
}

// Refused sends the client an error if the host refused a name, or a limit is reached. It returns other
// errors.
func Refused(c azu.Conn, err error) error {
	switch err {
	case azu.ErrInvalid:
		return Error(c, InvalidName)
	case azu.ErrLimit:
		return Error(c, Limit)
	}
	return err
}

// MaxUser limits the name of a user, in bytes.
const MaxUser = 64

// Identify makes name, which the client sent, the user of a connection. It refuses the connection with
// status 400 if the name is not valid. It may be called in OnConnect only.
func Identify(c azu.Conn, name string) error {
	if name == "" || len(name) > MaxUser {
		return azu.Refuse(400)
	}
	if err := c.Identify(azu.User(name)); err != azu.ErrInvalid {
		return err
	}
	return azu.Refuse(400)
}

// MaxListed limits the names in the list of users of an event. An event goes to everyone on the list, so
// its cost grows with the square of the list.
const MaxListed = 200

// Users adds the list "users" to a message, unless it is longer than MaxListed.
func Users(o json.Object, users []azu.User) json.Object {
	if len(users) > MaxListed {
		return o
	}
	return o.Raw("users", json.Strings(users))
}
