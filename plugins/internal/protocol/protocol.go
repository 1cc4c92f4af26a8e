// Package protocol is what the JSON messages of the ready-made channels have
// in common: a type, ping and pong, and errors.
package protocol

import (
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// Codes of {"type":"error","code":…}. The host has one more: INTERNAL_ERROR.
const (
	InvalidJSON    = "INVALID_JSON"    // the message is not a JSON object
	UnknownType    = "UNKNOWN_TYPE"    // its type is none that the channel knows
	InvalidMessage = "INVALID_MESSAGE" // a member is missing, or not what it should be
	InvalidName    = "INVALID_NAME"    // a room, topic or user cannot have this name
	NotSubscribed  = "NOT_SUBSCRIBED"  // the connection is not in the room
	Limit          = "LIMIT"           // a limit of the route is reached
)

// Error sends an error to the client.
func Error(c azu.Conn, code string) error {
	return c.Send(azu.Text(New("error").Str("code", code).Bytes()))
}

// buffer is where messages are written: the host copies what is sent.
var buffer [1 << 10]byte

// New begins a message. The next New takes its memory over, so send it first.
func New(kind string) json.Object { return json.New(buffer[:0]).Str("type", kind) }

// Read parses a message. If ok is false it was none, and the client was told.
func Read(c azu.Conn, m azu.Message) (message, kind json.Value, ok bool, err error) {
	if m.IsText() {
		message, err = json.Parse(m.Data)
	}
	if err != nil || message.Kind() != json.Obj {
		return message, kind, false, Error(c, InvalidJSON)
	}
	return message, message.Get("type"), true, nil
}

// Other handles the types that a channel leaves: ping, and the unknown.
func Other(c azu.Conn, kind json.Value) error {
	if kind.Is("ping") {
		return c.Send(azu.Text(`{"type":"pong"}`))
	}
	return Error(c, UnknownType)
}

// Refused tells the client why the host refused what it wanted: a name or a
// limit. Other errors are the plugin's, and are returned.
func Refused(c azu.Conn, err error) error {
	switch err {
	case azu.ErrInvalid:
		return Error(c, InvalidName)
	case azu.ErrLimit:
		return Error(c, Limit)
	}
	return err
}

// MaxUser is the longest name of a user that the channels accept, in bytes.
const MaxUser = 64

// Identify makes a name that came from outside the user of a connection; one
// that cannot be a user's refuses the connection with 400. For OnConnect.
func Identify(c azu.Conn, name string) error {
	if name == "" || len(name) > MaxUser {
		return azu.Refuse(400)
	}
	if err := c.Identify(azu.User(name)); err != azu.ErrInvalid {
		return err
	}
	return azu.Refuse(400)
}

// MaxListed is how many names a list of users in an event has at most. An
// event goes to everyone on the list, so that its cost is the square of it.
const MaxListed = 200

// Users adds the list "users", or leaves it out if it is longer than
// MaxListed.
func Users(o json.Object, users []azu.User) json.Object {
	if len(users) > MaxListed {
		return o
	}
	return o.Raw("users", json.Strings(users))
}
