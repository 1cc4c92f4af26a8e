// Presence tells everyone who is online.
package main

import (
	"github.com/azuhost/azuhost/plugins/internal/protocol"
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
	_ "github.com/azuhost/azuhost/sdk/go/onpresence"
)

type presence struct{ azu.Base }

// OnConnect takes the user from ?user=alice.
func (presence) OnConnect(c azu.Conn) error { return protocol.Identify(c, c.Query("user")) }

func (presence) OnMessage(c azu.Conn, m azu.Message) error {
	msg, kind, ok, err := protocol.Read(c, m)
	if !ok {
		return err
	}
	switch {
	case kind.Is("online"):
		user := azu.User(msg.Get("user").Str())
		if user == "" {
			return protocol.Error(c, protocol.InvalidMessage)
		}
		return c.Send(azu.Text(protocol.New("online").
			Str("user", string(user)).
			Bool("online", user.Online()).
			Bytes()))
	case kind.Is("who"):
		return c.Send(azu.Text(protocol.New("users").Raw("users", json.Strings(azu.Users())).Bytes()))
	}
	return protocol.Fallback(c, kind)
}

// OnPresence broadcasts a join or leave to the whole channel.
func (presence) OnPresence(room azu.Room, user azu.User, joined bool) error {
	if room != "" {
		return nil
	}
	o := protocol.New("presence").Str("user", string(user)).Bool("online", joined)
	return azu.Broadcast(azu.Text(protocol.Users(o, azu.Users()).Bytes()))
}

func init() { azu.Register(presence{}) }

func main() {}
