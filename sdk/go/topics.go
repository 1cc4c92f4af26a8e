package azu

import "strings"

// Topics are names that connections subscribe to. They are rooms: the host
// filters, and a message goes to those that want it and to nobody else. The
// value is what the names of these rooms begin with, so that they do not meet
// others:
//
//	const topics = azu.Topics("topic:")
//
//	topics.Subscribe(c, "news", "sport")
//	topics.Publish("news", azu.Text("…"))
type Topics string

// Room is the room of a topic.
func (t Topics) Room(topic string) Room { return Room(string(t) + topic) }

// Subscribe has the connection get what is published to these topics.
func (t Topics) Subscribe(c Conn, topics ...string) error {
	for _, topic := range topics {
		if err := c.Join(t.Room(topic)); err != nil {
			return err
		}
	}
	return nil
}

// Unsubscribe ends subscriptions.
func (t Topics) Unsubscribe(c Conn, topics ...string) error {
	for _, topic := range topics {
		if err := c.Leave(t.Room(topic)); err != nil {
			return err
		}
	}
	return nil
}

// Publish sends a message to everyone who subscribed to the topic.
func (t Topics) Publish(topic string, m Message) error { return t.Room(topic).Broadcast(m) }

// Of lists the topics of a connection, in the order of subscribing.
func (t Topics) Of(c Conn) []string {
	var list []string
	for _, r := range c.Rooms() {
		if topic, ok := strings.CutPrefix(string(r), string(t)); ok {
			list = append(list, topic)
		}
	}
	return list
}
