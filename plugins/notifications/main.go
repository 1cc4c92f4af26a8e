// Notifications sends messages to the subscribers of a topic, or to everyone.
package main

import (
	"github.com/azuhost/azuhost/plugins/internal/protocol"
	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/json"
)

const topics = azu.Topics("topic:")

type notifications struct{ azu.Base }

func (notifications) OnConnect(c azu.Conn) error {
	return c.Send(azu.Text(`{"type":"welcome"}`))
}

func (n notifications) OnMessage(c azu.Conn, m azu.Message) error {
	msg, kind, ok, err := protocol.Read(c, m)
	if !ok {
		return err
	}
	switch {
	case kind.Is("subscribe"):
		return n.change(c, msg, "subscribed", topics.Subscribe)
	case kind.Is("unsubscribe"):
		return n.change(c, msg, "unsubscribed", topics.Unsubscribe)
	case kind.Is("notify"):
		return n.notify(c, msg)
	}
	return protocol.Fallback(c, kind)
}

// change subscribes to topics or unsubscribes, and answers with the topics that the client has then. If
// the host refuses one topic of a list, nothing changes.
func (notifications) change(c azu.Conn, msg json.Value, reply string, do func(azu.Conn, ...string) error) error {
	var names []string
	for item := range msg.Get("topics").Items() {
		if item.Str() == "" {
			return protocol.Error(c, protocol.InvalidName)
		}
		names = append(names, item.Str())
	}
	if names == nil {
		return protocol.Error(c, protocol.InvalidMessage)
	}
	before := topics.Of(c)
	if err := do(c, names...); err != nil {
		if err := topics.Unsubscribe(c, topics.Of(c)...); err != nil {
			return err
		}
		if err := topics.Subscribe(c, before...); err != nil {
			return err
		}
		return protocol.Refused(c, err)
	}
	return c.Send(azu.Text(protocol.New(reply).Raw("topics", json.Strings(topics.Of(c))).Bytes()))
}

// notify sends to the subscribers of a topic, or to everyone.
func (notifications) notify(c azu.Conn, msg json.Value) error {
	topic, text := msg.Get("topic"), msg.Get("text")
	if text.Kind() != json.String || topic.Exists() && topic.Str() == "" {
		return protocol.Error(c, protocol.InvalidMessage)
	}
	o := protocol.New("notification")
	if topic.Exists() {
		o = o.Str("topic", topic.Str())
	}
	out := azu.Text(o.Raw("text", text.Raw()).Int("at", azu.Now().UnixMilli()).Bytes())
	if !topic.Exists() {
		return azu.Broadcast(out)
	}
	if err := topics.Publish(topic.Str(), out); err != nil {
		return protocol.Refused(c, err)
	}
	return nil
}

func init() { azu.Register(notifications{}) }

func main() {}
