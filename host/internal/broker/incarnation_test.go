package broker

import (
	"slices"
	"testing"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// advanceClock makes a topic number its messages as if the clock were an hour ahead.
func (n *node) advanceClock(t Topic) {
	tp := n.topicOf(t)
	tp.mu.Lock()
	defer tp.mu.Unlock()
	tp.nextSeq += 3600e6
	tp.firstSeq = tp.nextSeq
}

// TestClockBehind: a process starts with a clock behind that of the previous process of its name. Its messages
// count as new.
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
	eventually(t, "the first arrives", func() bool { return len(b.texts("x")) == 1 && len(first.texts("x")) == 1 })
	first.close()
	second := startNode(t, "a", r.URL())
	second.waitLinked()
	second.Subscribe(historyRoom("x"))
	second.waitSubscribed(historyRoom("x"))
	got := second.PublishAndWait(t.Context(), historyRoom("x"), Message{Frame: textFrame("second")})
	if got.Sockets != 2 || got.Partial {
		t.Errorf("receipt %+v", got)
	}
	eventually(t, "the second arrives", func() bool { return len(b.texts("x")) == 2 && len(second.texts("x")) == 1 })
}

// TestForeignIncarnation: a message of another process of the same name is not taken for an own one.
func TestForeignIncarnation(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.publishf(room("r"), "mine")
	tp := n.topicOf(room("r"))
	other := outgoing{Message: Message{Frame: textFrame("other"), Node: n.name}, seq: tp.nextSeq + 3600e6}
	n.receiveOwn(tp, Position{"e", 2}, other)
	n.linkDown(errTest)
	if got := n.texts("r"); !slices.Equal(got, []string{"other", "mine"}) {
		t.Errorf("got %q", got)
	}
}
