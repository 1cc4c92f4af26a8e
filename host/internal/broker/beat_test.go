package broker

import (
	"slices"
	"testing"
	"time"
)

// longAgo has everything that a node knows be of a TTL before, its own last beat included.
func (n *node) longAgo() {
	n.Broker.start = n.Broker.start.Add(-n.o.TTL)
	n.Broker.since = n.Broker.since.Add(-n.o.TTL)
	for _, p := range n.peers.nodes {
		p.seen = p.seen.Add(-n.o.TTL)
	}
}

// TestFrozenNode: a node that stood still believes that others are gone when it has heard what they
// said meanwhile, and not before.
func TestFrozenNode(t *testing.T) {
	n := bare(t)
	n.hears(state(1, []Change{here("ann")})...)
	other := control{Kind: kindBeat, Node: "c", Start: 1}
	n.hears(other)
	n.longAgo()
	if n.peers.heir() {
		t.Error("it is the heir of what it hears late")
	}
	n.noticeSleep()
	n.peers.expire()
	n.listen()
	hearsItself := func(number uint64) {
		n.hears(control{Kind: kindBeat, Node: n.name, Start: n.Broker.start.UnixNano(), Ack: number})
	}
	hearsItself(0) // of before
	n.peers.expire()
	if got := n.Nodes(); !slices.Equal(got, []string{"b", "c"}) || len(n.failed) > 0 {
		t.Fatalf("nodes %q, the link fails %v", got, len(n.failed) > 0)
	}
	n.hears(other)
	hearsItself(n.beats.Add(1))
	n.peers.expire()
	if got := n.Nodes(); !slices.Equal(got, []string{"c"}) {
		t.Errorf("nodes %q", got)
	}
	n.woke.Store(int64(time.Since(n.Broker.start) - n.o.TTL))
	n.echo.Store(0)
	n.listen()
	if len(n.failed) == 0 {
		t.Error("it does not notice that it hears nothing")
	}
}
