package broker

import (
	"slices"
	"testing"
	"time"
)

// longAgo has everything that a node knows be of a TTL before, its own last beat included.
func (n *node) ageEverything() {
	n.Broker.start = n.Broker.start.Add(-n.opts.TTL)
	n.Broker.stateSince = n.Broker.stateSince.Add(-n.opts.TTL)
	for _, p := range n.peers.nodes {
		p.lastSeen = p.lastSeen.Add(-n.opts.TTL)
	}
}

// TestFrozenNode: a node that stood still believes that others are gone when it has heard what they
// said meanwhile, and not before.
func TestFrozenNode(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	other := clusterMessage{Kind: kindHeartbeat, Node: "c", Start: 1}
	n.receive(other)
	n.ageEverything()
	if n.peers.isLeader() {
		t.Error("it is the heir of what it hears late")
	}
	n.detectPause()
	n.peers.removeSilent()
	n.checkEcho()
	hearsItself := func(number uint64) {
		n.receive(clusterMessage{Kind: kindHeartbeat, Node: n.name, Start: n.Broker.start.UnixNano(), ID: number})
	}
	hearsItself(0) // of before
	n.peers.removeSilent()
	if got := n.Nodes(); !slices.Equal(got, []string{"b", "c"}) || len(n.linkFailures) > 0 {
		t.Fatalf("nodes %q, the link fails %v", got, len(n.linkFailures) > 0)
	}
	n.receive(other)
	hearsItself(n.heartbeatsSent.Add(1))
	n.peers.removeSilent()
	if got := n.Nodes(); !slices.Equal(got, []string{"c"}) {
		t.Errorf("nodes %q", got)
	}
	n.resumedAt.Store(int64(time.Since(n.Broker.start) - n.opts.TTL))
	n.lastEcho.Store(0)
	n.checkEcho()
	if len(n.linkFailures) == 0 {
		t.Error("it does not notice that it hears nothing")
	}
}
