package broker

import (
	"encoding/json"
	"errors"
	"testing"
)

// passiveNode returns a node without goroutines and without a link. The test calls their steps.
func passiveNode(t testing.TB, change ...func(*Options)) *node {
	n := newTestNode(t)
	n.name = "a"
	o := Options{Node: n.name, Deliver: n.deliver, Advance: n.advance, SetPosition: n.setPosition, Presence: n.presence}
	for _, f := range change {
		f(&o)
	}
	n.Broker = newBroker(o)
	t.Cleanup(n.stop)
	n.up.Store(true)
	return n
}

// confirmSubscriptions completes the resync of all changed topics at a position.
func (n *node) confirmSubscriptions(at Position) {
	add, _ := n.takeChanged()
	for _, tp := range add {
		tp.mu.Lock()
		n.resumeDelivery(tp, at)
		tp.mu.Unlock()
	}
}

// onlyChangedTopic returns the one topic whose subscription has changed. Its batches are held from now on.
func (n *node) onlyChangedTopic(t Topic) *topic {
	n.t.Helper()
	add, _ := n.takeChanged()
	if len(add) != 1 {
		n.t.Fatalf("%d topics", len(add))
	}
	return add[0]
}

// topicOf returns the state of a topic.
func (n *node) topicOf(t Topic) *topic {
	n.Broker.mu.Lock()
	defer n.Broker.mu.Unlock()
	return n.topics[n.channelOf(t)]
}

// receiveOwn handles a batch of messages of this node.
func (n *node) receiveOwn(tp *topic, at Position, sent ...outgoing) {
	p := batch{first: at, node: n.name, seq: sent[0].seq}
	for i := range sent {
		p.messages = append(p.messages, sent[i].Message)
	}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	n.handleBatch(tp, &p)
}

// receive handles cluster messages.
func (n *node) receive(messages ...clusterMessage) {
	for _, m := range messages {
		p, _ := json.Marshal(m)
		n.Broker.handleClusterMessage(p)
	}
}

// sent removes the queued cluster messages of a node and returns them.
func (n *node) sent() (out []clusterMessage) {
	for len(n.clusterOut) > 0 {
		m := (<-n.clusterOut).message
		m.Node, m.Start = n.name, n.Broker.start.UnixNano()
		out = append(out, m)
	}
	return out
}

var errTest = errors.New("a test breaks the link")
