// Chat has rooms that clients subscribe to, with presence.
package main

import (
	"slices"
	"strconv"
	"strings"

	"github.com/azuhost/azuhost/plugins/internal/protocol"
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
	_ "github.com/azuhost/azuhost/sdk/go/onpresence"
)

type chat struct{ azu.Base }

// OnConnect takes the name from ?name=alice. Without one it gives the client a guest name.
func (chat) OnConnect(c azu.Conn) error {
	name := strings.TrimSpace(c.Query("name"))
	if name == "" {
		var err error
		if name, err = guest(); err != nil {
			return err
		}
	}
	return protocol.Identify(c, name)
}

// guest returns a name that no connected user has.
func guest() (string, error) {
	for {
		n, err := azu.Key("guests").Add(1, 0)
		if err != nil {
			return "", err
		}
		name := "guest-" + strconv.FormatInt(n, 10)
		if !azu.User(name).Online() {
			return name, nil
		}
	}
}

func (ch chat) OnMessage(c azu.Conn, m azu.Message) error {
	msg, kind, ok, err := protocol.Read(c, m)
	if !ok {
		return err
	}
	switch {
	case kind.Is("subscribe"):
		return ch.subscribe(c, azu.Room(msg.Get("room").Str()))
	case kind.Is("unsubscribe"):
		return ch.unsubscribe(c, azu.Room(msg.Get("room").Str()))
	case kind.Is("message"):
		return ch.message(c, msg)
	}
	return protocol.Fallback(c, kind)
}

func (chat) subscribe(c azu.Conn, room azu.Room) error {
	if err := c.Join(room); err != nil {
		return protocol.Refused(c, err)
	}
	reply := protocol.New("subscribed").Str("room", string(room))
	return c.Send(azu.Text(protocol.Users(reply, room.Users()).Bytes()))
}

func (chat) unsubscribe(c azu.Conn, room azu.Room) error {
	if err := c.Leave(room); err != nil {
		return protocol.Refused(c, err)
	}
	return c.Send(azu.Text(protocol.New("unsubscribed").Str("room", string(room)).Bytes()))
}

// message broadcasts a message to the room that it names, or to the last one subscribed to.
func (chat) message(c azu.Conn, msg json.Value) error {
	text := msg.Get("text")
	if text.Kind() != json.String {
		return protocol.Error(c, protocol.InvalidMessage)
	}
	rooms := c.Rooms()
	room := azu.Room(msg.Get("room").Str())
	if room == "" && len(rooms) > 0 {
		room = rooms[len(rooms)-1]
	}
	if !slices.Contains(rooms, room) {
		return protocol.Error(c, protocol.NotSubscribed)
	}
	return room.Broadcast(azu.Text(protocol.New("message").
		Str("room", string(room)).
		Str("user", string(c.User())).
		Raw("text", text.Raw()).
		Int("at", azu.Now().UnixMilli()).
		Bytes()))
}

// OnPresence broadcasts to a room who joined and who left.
func (chat) OnPresence(room azu.Room, user azu.User, joined bool) error {
	if room == "" {
		return nil
	}
	event := "leave"
	if joined {
		event = "join"
	}
	o := protocol.New("presence").
		Str("room", string(room)).
		Str("event", event).
		Str("user", string(user))
	return room.Broadcast(azu.Text(protocol.Users(o, room.Users()).Bytes()))
}

func init() { azu.Register(chat{}) }

func main() {}
