package azu

import "strings"

// Topics are names to which connections subscribe. Each topic is a room, so that the host sends a message to its
// subscribers only. The value is the prefix of the names of these rooms, which keeps them apart from other rooms:
//
//	const topics = azu.Topics("topic:")
//
//	topics.Subscribe(c, "news", "sport")
//	topics.Publish("news", azu.Text("…"))
type Topics string

// Room returns the room of a topic.
func (t Topics) Room(topic string) Room { return Room(string(t) + topic) }

// Subscribe subscribes the connection to topics.
func (t Topics) Subscribe(c Conn, topics ...string) error {
	for _, topic := range topics {
		if err := c.Join(t.Room(topic)); err != nil {
			return err
		}
	}
	return nil
}

// Unsubscribe ends the subscriptions of the connection to topics.
func (t Topics) Unsubscribe(c Conn, topics ...string) error {
	for _, topic := range topics {
		if err := c.Leave(t.Room(topic)); err != nil {
			return err
		}
	}
	return nil
}

// Publish sends a message to all subscribers of the topic.
func (t Topics) Publish(topic string, m Message) error { return t.Room(topic).Broadcast(m) }

// Of returns the topics of a connection in the order of subscribing.
func (t Topics) Of(c Conn) []string {
	var list []string
	for _, r := range c.Rooms() {
		if topic, ok := strings.CutPrefix(string(r), string(t)); ok {
			list = append(list, topic)
		}
	}
	return list
}
