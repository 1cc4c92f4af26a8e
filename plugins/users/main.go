// Users sends messages from user to user, to all connections of each.
package main

import (
	"slices"

	"github.com/azuhost/azuhost/plugins/internal/protocol"
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
)

// maxTo limits the recipients of one message.
const maxTo = 100

type users struct{ azu.Base }

// OnConnect takes the user from ?user=alice.
func (users) OnConnect(c azu.Conn) error { return protocol.Identify(c, c.Query("user")) }

func (u users) OnMessage(c azu.Conn, m azu.Message) error {
	msg, kind, ok, err := protocol.Read(c, m)
	if !ok {
		return err
	}
	if kind.Is("send") {
		return u.send(c, msg)
	}
	return protocol.Fallback(c, kind)
}

func (users) send(c azu.Conn, msg json.Value) error {
	to, ok := recipients(msg.Get("to"))
	text := msg.Get("text")
	if !ok || text.Kind() != json.String {
		return protocol.Error(c, protocol.InvalidMessage)
	}
	err := azu.SendUsers(to, azu.Text(protocol.New("message").
		Str("from", string(c.User())).
		Raw("text", text.Raw()).
		Bytes()))
	if err != nil {
		return protocol.Refused(c, err)
	}
	for _, user := range to {
		reply := protocol.New("sent").Str("to", string(user)).Bool("online", user.Online())
		if err := c.Send(azu.Text(reply.Bytes())); err != nil {
			return err
		}
	}
	return nil
}

// recipients returns the users in v, a name or a list of names, each once. ok is false if v has none or
// more than maxTo.
func recipients(v json.Value) (to []azu.User, ok bool) {
	if v.Str() != "" {
		return []azu.User{azu.User(v.Str())}, true
	}
	for item := range v.Items() {
		if item.Str() == "" || len(to) == maxTo {
			return nil, false
		}
		if user := azu.User(item.Str()); !slices.Contains(to, user) {
			to = append(to, user)
		}
	}
	return to, len(to) > 0
}

func init() { azu.Register(users{}) }

func main() {}
