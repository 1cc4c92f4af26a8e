package broker

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestReadOnce: an own message that was read from the history is not delivered again when the link breaks.
func TestReadOnce(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(historyRoom("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.publishf(historyRoom("r"), "hi")
	tp := n.topicOf(historyRoom("r"))
	seq := tp.queue[0].seq
	tp.accepted = 1
	tp.mu.Lock()
	n.deliverOnce(tp, Position{"e", 2}, seq, Message{Frame: textFrame("hi"), Node: n.name})
	tp.mu.Unlock()
	if len(tp.queue) > 0 {
		t.Error("it stays queued")
	}
	n.linkDown(errTest)
	if got := n.texts("r"); !slices.Equal(got, []string{"hi"}) {
		t.Errorf("got %q", got)
	}
}

// TestHoldIsBounded: batches beyond the limit of held ones are found by another resync, and count as lost only
// then.
func TestHoldIsBounded(t *testing.T) {
	n := passiveNode(t, func(o *Options) { o.MaxQueue = 100 })
	n.Subscribe(room("r"))
	add, _ := n.takeChanged()
	tp := add[0]
	for i := range 3 {
		o := outgoing{Message: Message{Frame: textFrame(fmt.Sprint(i)), Node: "b"}}
		n.receiveOwn(tp, Position{"e", uint64(2 + i)}, o)
	}
	tp.mu.Lock()
	n.resumeDelivery(tp, Position{"e", 1})
	tp.mu.Unlock()
	if got := n.texts("r"); !slices.Equal(got, []string{"0"}) {
		t.Errorf("got %q", got)
	}
	if add, _ := n.takeChanged(); len(add) != 1 || n.Stats().Overflow > 0 {
		t.Errorf("%d resyncs, %d counted already", len(add), n.Stats().Overflow)
	}
}

// TestAcceptedBeforeSubscribed: a message that Redis accepted before the first member joined is not delivered,
// and leaves the queue.
func TestAcceptedBeforeSubscribed(t *testing.T) {
	n := passiveNode(t)
	n.publishf(room("r"), "before")
	n.Subscribe(room("r"))
	n.publishf(room("r"), "after")
	tp := n.onlyChangedTopic(room("r"))
	tp.accepted = 1
	n.finishResync(&topicSync{topic: tp, remote: Position{"e", 5}, acceptedSeq: tp.queue[0].seq})
	if len(tp.queue) != 1 || textOf(tp.queue[0].Message) != "after" {
		t.Errorf("%d messages queued", len(tp.queue))
	}
	n.linkDown(errTest)
	if got := n.texts("r"); !slices.Equal(got, []string{"after"}) {
		t.Errorf("got %q", got)
	}
}

// TestAcceptedWhileUnsubscribed: members get own messages that Redis accepted and that did not come back.
func TestAcceptedWhileUnsubscribed(t *testing.T) {
	for _, topic := range []Topic{room("r"), historyRoom("r")} {
		n := passiveNode(t)
		n.Subscribe(topic)
		n.confirmSubscriptions(Position{"e", 5})
		for i := range 10 {
			n.publishf(topic, "%d", i)
		}
		tp := n.topicOf(topic)
		sent := slices.Clone(tp.queue)
		tp.accepted = 10
		n.linkDown(errTest) // delivers to the members
		n.up.Store(true)
		for i := 10; i < 13; i++ {
			n.publishf(topic, "%d", i)
		}
		n.markChanged(tp)
		n.onlyChangedTopic(topic)
		tp.accepted = 3
		s := &topicSync{
			topic: tp, local: Position{"e", 5}, hasLocal: true, remote: Position{"e", 18}, acceptedSeq: sent[9].seq + 3,
		}
		if topic.Size > 0 { // the history has only the last message
			o := tp.queue[len(tp.queue)-1]
			s.entries = []historyEntry{{Message: o.Message, Offset: 18, seq: o.seq}}
			n.last["r"] = Position{"e", 17}
		}
		if lost := n.finishResync(s); lost > 0 || n.Stats().Missed > 0 {
			t.Errorf("%d lost", lost)
		}
		if len(tp.deliveredLocally)+len(tp.queue) > 0 {
			t.Errorf("delivered %v, %d queued", tp.deliveredLocally, len(tp.queue))
		}
		wantSequence(t, fromSender(prefixed("a ", n.texts("r")), "a"), "a", 0, 13)
	}
}

// prefixed returns texts with a prefix.
func prefixed(prefix string, texts []string) (out []string) {
	for _, s := range texts {
		out = append(out, prefix+s)
	}
	return out
}

// TestManyMissedOverASlowLink: the messages that many topics missed are read in time for the link to come up.
func TestManyMissedOverASlowLink(t *testing.T) {
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", p.URL())
	a.waitLinked()
	b.waitLinked()
	const topics = 400
	for i := range topics {
		b.Subscribe(historyRoom(fmt.Sprint(i)))
	}
	for i := range topics {
		b.waitSubscribed(historyRoom(fmt.Sprint(i)))
	}
	p.Cut(true)
	eventually(t, "b notices", func() bool { return !b.Up() })
	for i := range topics {
		a.publishf(historyRoom(fmt.Sprint(i)), "hi")
	}
	eventually(t, "a has sent all", func() bool { return a.Stats().Published == topics })
	p.Slow(20 * time.Millisecond)
	p.Open()
	b.waitLinked()
	for i := range topics {
		if got := b.texts(fmt.Sprint(i)); len(got) != 1 {
			t.Errorf("topic %d: %q", i, got)
		}
	}
}

// TestEvicted: Redis has lost the numbers of a room and kept its history. A node that joins, and one that only
// publishes, begin another epoch.
func TestEvicted(t *testing.T) {
	for _, joins := range []bool{true, false} {
		for _, half := range []bool{true, false} {
			t.Run(fmt.Sprintf("a node joins %v, the epoch is there %v", joins, half), func(t *testing.T) {
				r := redistest.Start(t)
				a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
				a.waitLinked()
				b.waitLinked()
				topic, ctx := historyRoom("x"), context.Background()
				for i := range 3 {
					a.PublishAndWait(ctx, topic, Message{Frame: textFrame(fmt.Sprint("old ", i))})
				}
				_, was, _, _ := a.Since(ctx, topic, "another", 0)
				c, key := r.Client(), metaKey(a.channelOf(topic))
				cmd := c.B().Del().Key(key).Build()
				if half {
					cmd = c.B().Hdel().Key(key).Field("o").Build()
				}
				if err := c.Do(ctx, cmd).Error(); err != nil {
					t.Fatal(err)
				}
				if joins {
					b.Subscribe(topic)
					b.waitSubscribed(topic)
				}
				a.PublishAndWait(ctx, topic, Message{Frame: textFrame("new")})
				_, at, _, _ := b.Since(ctx, topic, "another", 0)
				if at.Epoch == was.Epoch || at.Offset != 1 {
					t.Errorf("position %+v, was %+v", at, was)
				}
				if got, _, ok, err := b.Since(ctx, topic, at.Epoch, 0); len(got) != 1 || !ok || err != nil {
					t.Errorf("recovered %v: %v %v", got, ok, err)
				}
				if joins {
					eventually(t, "b's members have it", func() bool { return len(b.texts("x")) == 1 })
				}
			})
		}
	}
}
