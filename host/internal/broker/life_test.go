package broker

import (
	"slices"
	"testing"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// ahead has a topic count as if the clock of its node were an hour ahead.
func (n *node) advanceClock(t Topic) {
	x := n.topicOf(t)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.nextSeq += 3600e6
	x.firstSeq = x.nextSeq
}

// TestClockBehind: the next process of a name has a clock that is behind that of the one
// before. What it sends is new all the same.
func TestClockBehind(t *testing.T) {
	r := redistest.Start(t)
	b := startNode(t, "b", r.URL())
	first := startNode(t, "a", r.URL())
	for _, n := range []*node{b, first} {
		n.waitLinked()
		n.Subscribe(historyRoom("x"))
		n.waitSubscribed(historyRoom("x"))
	}
	first.advanceClock(historyRoom("x"))
	first.publishf(historyRoom("x"), "first")
	eventually(t, "the first is there", func() bool { return len(b.texts("x")) == 1 && len(first.texts("x")) == 1 })
	first.close()
	second := startNode(t, "a", r.URL())
	second.waitLinked()
	second.Subscribe(historyRoom("x"))
	second.waitSubscribed(historyRoom("x"))
	if got := second.PublishAndWait(t.Context(), historyRoom("x"), Message{Frame: frame("second")}); got.Sockets != 2 || got.Partial {
		t.Errorf("receipt %+v", got)
	}
	eventually(t, "the second is there", func() bool { return len(b.texts("x")) == 2 && len(second.texts("x")) == 1 })
}

// TestNotOurs: what another process of this name has sent is not taken for a message of
// this one.
func TestNotOurs(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.publishf(room("r"), "mine")
	x := n.topicOf(room("r"))
	other := outgoing{Message: Message{Frame: frame("other"), Node: n.name}, seq: x.nextSeq + 3600e6}
	n.receiveOwn(x, Position{"e", 2}, other)
	n.linkDown(errTest)
	if got := n.texts("r"); !slices.Equal(got, []string{"other", "mine"}) {
		t.Errorf("got %q", got)
	}
}
