package broker

import (
	"fmt"
	"testing"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestPositionAfterRejoin: the members of a room that empties and fills at once get its position, although the
// subscription stays.
func TestPositionAfterRejoin(t *testing.T) {
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
		t.Errorf("the room got %v", got)
	}
}

// TestSubscribedTwice: subscriptions are counted, because a route that ends and its successor share topics for
// a while.
func TestSubscribedTwice(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(room("r"))
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.Unsubscribe(room("r"))
	if _, drop := n.takeChanged(); len(drop) > 0 {
		t.Error("the second subscription was dropped")
	}
	n.Unsubscribe(room("r"))
	if _, drop := n.takeChanged(); len(drop) != 1 {
		t.Error("nobody is left, and the topic stays subscribed")
	}
}

// TestTopicsWithoutALink: rooms that empty while the link is down are removed.
func TestTopicsWithoutALink(t *testing.T) {
	n := startNode(t, "a", "redis://127.0.0.1:1")
	for i := range 1000 {
		topic := room(fmt.Sprint(i))
		n.Subscribe(topic)
		n.publishf(topic, "hi")
		n.Unsubscribe(topic)
	}
	n.Subscribe(room("stays"))
	eventually(t, "the others are removed", func() bool { return n.Stats().Topics == 1 })
}

// TestHistoryOfASuccessor: a route is replaced by one with a history while members of the first are still
// connected.
func TestHistoryOfASuccessor(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	a.Subscribe(room("x"))
	a.waitSubscribed(room("x"))
	a.publishf(room("x"), "before")
	eventually(t, "the first arrives", func() bool { return len(a.texts("x")) == 1 })
	a.Subscribe(historyRoom("x"))
	a.Unsubscribe(room("x"))
	a.publishf(historyRoom("x"), "1")
	b.publishf(historyRoom("x"), "2")
	a.publishf(historyRoom("x"), "3")
	eventually(t, "all arrive", func() bool { return len(a.texts("x")) == 4 })
	_, at, _, _ := b.Since(t.Context(), historyRoom("x"), "another", 0)
	entries, _, ok, err := b.Since(t.Context(), historyRoom("x"), at.Epoch, at.Offset-3)
	if len(entries) != 3 || !ok || err != nil {
		t.Errorf("recovered %d: %v %v", len(entries), ok, err)
	}
	if got := a.lastPosition("x"); got != at {
		t.Errorf("members are at %+v, Redis at %+v", got, at)
	}
}
