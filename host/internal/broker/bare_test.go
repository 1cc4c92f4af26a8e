package broker

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"testing"
)

// bare is a node without goroutines: the test is its link.
func passiveNode(t testing.TB, change ...func(*Options)) *node {
	n := &node{t: t, name: "a", got: map[string][]string{}, last: map[string]Position{}, positions: map[string]Position{}}
	o := Options{Node: n.name, Deliver: n.deliver, Advance: n.advance, SetPosition: n.setPosition, Presence: n.presence}
	for _, f := range change {
		f(&o)
	}
	n.Broker = newBroker(o)
	t.Cleanup(n.stop)
	n.up.Store(true)
	return n
}

// hear is the subscription of what has changed, at a position.
func (n *node) confirmSubscriptions(at Position) {
	add, _ := n.takeChanged()
	for _, x := range add {
		x.mu.Lock()
		n.resumeDelivery(x, at)
		x.mu.Unlock()
	}
}

func (n *node) topicOf(t Topic) *topic {
	n.Broker.mu.Lock()
	defer n.Broker.mu.Unlock()
	return n.topics[n.channelOf(t)]
}

// come takes messages of this node as Redis publishes them.
func (n *node) receiveOwn(x *topic, at Position, sent ...outgoing) {
	p := batch{first: at, node: n.name, seq: sent[0].seq}
	for i := range sent {
		p.messages = append(p.messages, sent[i].Message)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	n.handleBatch(x, &p)
}

var errTest = errors.New("a test breaks the link")

// TestRoundGoesOn: topics that have nothing to send do not keep those behind
// them waiting.
func TestRoundGoesOn(t *testing.T) {
	n := passiveNode(t)
	for i := range 3 * maxRoundTopics {
		n.Subscribe(room(fmt.Sprint(i)))
	}
	n.confirmSubscriptions(Position{"e", 1})
	n.Broker.mu.Lock()
	for _, x := range n.topics {
		n.makeReady(x)
	}
	n.Broker.mu.Unlock()
	for n.sendRound() {
	}
	if left := len(n.ready); left > 0 {
		t.Errorf("%d topics were not looked at", left)
	}
}

// TestRefusedOnce: what Redis has taken comes back, also where the members have
// it by then because Redis took no more.
func TestRefusedOnce(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.publishf(room("r"), "taken")
	n.publishf(room("r"), "refused")
	x := n.topicOf(room("r"))
	sent := slices.Clone(x.queue)
	x.accepted, x.inFlight = 1, 1
	n.deliverRefused(x)
	n.receiveOwn(x, Position{"e", 2}, sent[0])
	if got := n.texts("r"); !slices.Equal(got, []string{"taken", "refused"}) {
		t.Errorf("got %q", got)
	}
	if len(x.deliveredLocally) > 0 || n.Stats().QueuedBytes > 0 {
		t.Errorf("remembers %v, %d bytes", x.deliveredLocally, n.Stats().QueuedBytes)
	}
}

// TestPartial: a sender is told of the sockets here, and that others are not
// counted, when a message does not go by Redis.
func TestPartial(t *testing.T) {
	want := Receipt{Sockets: 1, Nodes: []string{"a"}, Partial: true}
	ctx := context.Background()
	hi := Message{Frame: frame("hi")}
	t.Run("overflow", func(t *testing.T) {
		n := passiveNode(t, func(o *Options) { o.MaxQueue = 1 })
		if got := n.PublishAndWait(ctx, room("r"), hi); !reflect.DeepEqual(got, want) {
			t.Errorf("receipt %+v", got)
		}
	})
	for name, end := range map[string]func(*node, *topic){
		"broken":  func(n *node, _ *topic) { n.linkDown(errTest) },
		"refused": func(n *node, x *topic) { x.inFlight = 1; n.deliverRefused(x) },
	} {
		t.Run(name, func(t *testing.T) {
			n := passiveNode(t)
			n.Subscribe(room("r"))
			n.confirmSubscriptions(Position{"e", 1})
			got := make(chan Receipt, 1)
			go func() { got <- n.PublishAndWait(ctx, room("r"), hi) }()
			x := n.topicOf(room("r"))
			eventually(t, "waits", func() bool {
				x.mu.Lock()
				defer x.mu.Unlock()
				return len(x.queue) == 1
			})
			end(n, x)
			if got := <-got; !reflect.DeepEqual(got, want) {
				t.Errorf("receipt %+v", got)
			}
		})
	}
	t.Run("down", func(t *testing.T) {
		n := passiveNode(t)
		n.linkDown(errTest)
		if got := n.PublishAndWait(ctx, room("r"), hi); !reflect.DeepEqual(got, want) {
			t.Errorf("receipt %+v", got)
		}
	})
}

// TestPlacedAgain: a room that empties and fills again within a moment is told
// where it stands, although the subscription has never changed.
func TestPlacedAgain(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(historyRoom("r"))
	n.confirmSubscriptions(Position{"e", 5})
	n.mu.Lock()
	clear(n.positions)
	n.mu.Unlock()
	n.Unsubscribe(historyRoom("r"))
	n.Subscribe(historyRoom("r"))
	n.confirmSubscriptions(Position{"wrong", 0})
	if got := n.positions["r"]; got != (Position{"e", 5}) {
		t.Errorf("the room was told %v", got)
	}
}

// TestSubscribedTwice: a route that ends and one of the same path that begins
// have the same topics for a while.
func TestSubscribedTwice(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(room("r"))
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.Unsubscribe(room("r"))
	if _, drop := n.takeChanged(); len(drop) > 0 {
		t.Error("the second does not hear any more")
	}
	n.Unsubscribe(room("r"))
	if _, drop := n.takeChanged(); len(drop) != 1 {
		t.Error("nobody is left, and it is still heard")
	}
}

// TestTopicsAreForgotten: topics that were only sent to are not kept, whatever
// becomes of their messages.
func TestTopicsAreForgotten(t *testing.T) {
	t.Run("broken", func(t *testing.T) {
		n := passiveNode(t)
		n.publishf(room("r"), "hi")
		n.linkDown(errTest)
		n.up.Store(true)
		for n.sendRound() {
		}
		if got := n.Stats().Topics; got > 0 {
			t.Errorf("%d topics", got)
		}
	})
	t.Run("overflow", func(t *testing.T) {
		n := passiveNode(t, func(o *Options) { o.MaxQueue = 1 })
		n.publishf(room("r"), "hi")
		for n.sendRound() {
		}
		if got := n.Stats().Topics; got > 0 {
			t.Errorf("%d topics", got)
		}
	})
}

// TestReadOnce: a message of this node that was read from the history, as
// something else was missing, is not given to the members again when the link breaks.
func TestReadOnce(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(historyRoom("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.publishf(historyRoom("r"), "hi")
	x := n.topicOf(historyRoom("r"))
	seq := x.queue[0].seq
	x.accepted = 1
	x.mu.Lock()
	n.deliverOnce(x, Position{"e", 2}, seq, Message{Frame: frame("hi"), Node: n.name})
	x.mu.Unlock()
	if len(x.queue) > 0 {
		t.Error("it is kept")
	}
	n.linkDown(errTest)
	if got := n.texts("r"); !slices.Equal(got, []string{"hi"}) {
		t.Errorf("got %q", got)
	}
}

// TestHoldIsBounded: what comes while it is not known where a topic stands, and is too
// much to keep, is looked for afterwards, and counted then only.
func TestHoldIsBounded(t *testing.T) {
	n := passiveNode(t, func(o *Options) { o.MaxQueue = 100 })
	n.Subscribe(room("r"))
	add, _ := n.takeChanged()
	x := add[0]
	for i := range 3 {
		n.receiveOwn(x, Position{"e", uint64(2 + i)}, outgoing{Message: Message{Frame: frame(fmt.Sprint(i)), Node: "b"}})
	}
	x.mu.Lock()
	n.resumeDelivery(x, Position{"e", 1})
	x.mu.Unlock()
	if got := n.texts("r"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("got %q", got)
	}
	if add, _ := n.takeChanged(); len(add) != 1 || n.Stats().Overflow > 0 {
		t.Errorf("looks for %d topics, %d counted already", len(add), n.Stats().Overflow)
	}
}

// heldTopic is a topic whose subscription is confirmed, and that waits to know where it stands.
func (n *node) onlyChangedTopic(t Topic) *topic {
	n.t.Helper()
	add, _ := n.takeChanged()
	if len(add) != 1 {
		n.t.Fatalf("%d topics", len(add))
	}
	return add[0]
}

// TestTakenBeforeSubscribed: what Redis took before the first member came is not for it,
// and does not wait any more.
func TestTakenBeforeSubscribed(t *testing.T) {
	n := passiveNode(t)
	n.publishf(room("r"), "before")
	n.Subscribe(room("r"))
	n.publishf(room("r"), "after")
	x := n.onlyChangedTopic(room("r"))
	x.accepted = 1
	n.finishResync(&topicSync{topic: x, remote: Position{"e", 5}, acceptedSeq: x.queue[0].seq})
	if len(x.queue) != 1 || textOf(x.queue[0].Message) != "after" {
		t.Errorf("%d messages wait", len(x.queue))
	}
	n.linkDown(errTest)
	if got := n.texts("r"); !slices.Equal(got, []string{"after"}) {
		t.Errorf("got %q", got)
	}
}

// TestTakenUnheard: members who were there get what Redis took of this node and did not bring.
func TestTakenUnheard(t *testing.T) {
	for _, topic := range []Topic{room("r"), historyRoom("r")} {
		n := passiveNode(t)
		n.Subscribe(topic)
		n.confirmSubscriptions(Position{"e", 5})
		for i := range 10 {
			n.publishf(topic, "%d", i)
		}
		x := n.topicOf(topic)
		sent := slices.Clone(x.queue)
		x.accepted = 10
		n.linkDown(errTest) // which has the members get them
		n.up.Store(true)
		for i := 10; i < 13; i++ {
			n.publishf(topic, "%d", i)
		}
		n.markChanged(x)
		n.onlyChangedTopic(topic)
		x.accepted = 3
		s := &topicSync{topic: x, local: Position{"e", 5}, hasLocal: true, remote: Position{"e", 18}, acceptedSeq: sent[9].seq + 3}
		if topic.Size > 0 { // the last one of a history that is short
			o := x.queue[len(x.queue)-1]
			s.entries = []historyEntry{{Message: o.Message, Offset: 18, seq: o.seq}}
			n.last["r"] = Position{"e", 17}
		}
		if lost := n.finishResync(s); lost > 0 || n.Stats().Missed > 0 {
			t.Errorf("%d lost", lost)
		}
		if len(x.deliveredLocally)+len(x.queue) > 0 {
			t.Errorf("remembers %v, %d wait", x.deliveredLocally, len(x.queue))
		}
		wantSequence(t, fromSender(prefixed("a ", n.texts("r")), "a"), "a", 0, 13)
	}
}

func prefixed(prefix string, texts []string) (out []string) {
	for _, s := range texts {
		out = append(out, prefix+s)
	}
	return out
}

// TestTopicsWithoutALink: rooms that empty while there is no link do not stay.
func TestTopicsWithoutALink(t *testing.T) {
	n := startNode(t, "a", "redis://127.0.0.1:1")
	for i := range 1000 {
		topic := room(fmt.Sprint(i))
		n.Subscribe(topic)
		n.publishf(topic, "hi")
		n.Unsubscribe(topic)
	}
	n.Subscribe(room("stays"))
	eventually(t, "the others are forgotten", func() bool { return n.Stats().Topics == 1 })
}

// TestCountsOfABatch: of messages that come together each is counted for itself.
func TestCountsOfABatch(t *testing.T) {
	n := passiveNode(t, func(o *Options) {
		o.Deliver = func(_ Topic, _ Position, messages []Message) int { return len(textOf(messages[len(messages)-1])) }
	})
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	var sent []outgoing
	want := []int{0, 2, 3, 0}
	var receipts []*openReceipt
	for i, text := range []string{"1", "22", "333", "4444"} {
		o := outgoing{Message: Message{Frame: frame(text), Node: n.name}}
		if want[i] > 0 {
			o.ackID = uint64(i)
		}
		sent = append(sent, o)
		receipts = append(receipts, n.receipts.open(uint64(i), 1))
	}
	n.receiveOwn(n.topicOf(room("r")), Position{"e", 2}, sent...)
	for i, r := range receipts {
		if r.Sockets != want[i] {
			t.Errorf("message %d: %d sockets", i, r.Sockets)
		}
	}
}
