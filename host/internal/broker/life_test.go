package broker

import (
	"slices"
	"testing"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// ahead has a topic count as if the clock of its node were an hour ahead.
func (n *node) ahead(t Topic) {
	x := n.topicOf(t)
	x.mu.Lock()
	defer x.mu.Unlock()
	x.nextSeq += 3600e6
	x.fromSeq = x.nextSeq
}

// TestClockBehind: the next process of a name has a clock that is behind that of the one
// before. What it sends is new all the same.
func TestClockBehind(t *testing.T) {
	r := redistest.Start(t)
	b := startNode(t, "b", r.URL())
	first := startNode(t, "a", r.URL())
	for _, n := range []*node{b, first} {
		n.linked()
		n.Subscribe(kept("x"))
		n.settled(kept("x"))
	}
	first.ahead(kept("x"))
	first.say(kept("x"), "first")
	eventually(t, "the first is there", func() bool { return len(b.texts("x")) == 1 && len(first.texts("x")) == 1 })
	first.close()
	second := startNode(t, "a", r.URL())
	second.linked()
	second.Subscribe(kept("x"))
	second.settled(kept("x"))
	if got := second.PublishWait(t.Context(), kept("x"), Message{Frame: frame("second")}); got.Sockets != 2 || got.Partial {
		t.Errorf("receipt %+v", got)
	}
	eventually(t, "the second is there", func() bool { return len(b.texts("x")) == 2 && len(second.texts("x")) == 1 })
}

// TestNotOurs: what another process of this name has sent is not taken for a message of
// this one.
func TestNotOurs(t *testing.T) {
	n := bare(t)
	n.Subscribe(room("r"))
	n.hear(Position{"e", 1})
	n.say(room("r"), "mine")
	x := n.topicOf(room("r"))
	other := outgoing{Message: Message{Frame: frame("other"), Node: n.name}, seq: x.nextSeq + 3600e6}
	n.come(x, Position{"e", 2}, other)
	n.down(errTest)
	if got := n.texts("r"); !slices.Equal(got, []string{"other", "mine"}) {
		t.Errorf("got %q", got)
	}
}
