package broker

import (
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// ageEverything moves all times that a node knows back by the TTL.
func (n *node) ageEverything() {
	n.Broker.start = n.Broker.start.Add(-n.opts.TTL)
	n.Broker.stateSince = n.Broker.stateSince.Add(-n.opts.TTL)
	for _, p := range n.peers.nodes {
		p.lastSeen = p.lastSeen.Add(-n.opts.TTL)
	}
}

// TestFrozenNode: a node that stood still removes others only after it has received what they sent meanwhile.
func TestFrozenNode(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	other := clusterMessage{Kind: kindHeartbeat, Node: "c", Start: 1}
	n.receive(other)
	n.ageEverything()
	if n.peers.isLeader() {
		t.Error("it is the leader for messages that arrive late")
	}
	n.detectPause()
	n.peers.removeSilent()
	n.checkEcho()
	echo := func(number uint64) {
		n.receive(clusterMessage{Kind: kindHeartbeat, Node: n.name, Start: n.Broker.start.UnixNano(), ID: number})
	}
	echo(0) // a heartbeat from before the pause
	n.peers.removeSilent()
	if got := n.Nodes(); !slices.Equal(got, []string{"b", "c"}) || len(n.linkFailures) > 0 {
		t.Fatalf("nodes %q, link failure %v", got, len(n.linkFailures) > 0)
	}
	n.receive(other)
	echo(n.heartbeatsSent.Add(1))
	n.peers.removeSilent()
	if got := n.Nodes(); !slices.Equal(got, []string{"c"}) {
		t.Errorf("nodes %q", got)
	}
	n.resumedAt.Store(int64(time.Since(n.Broker.start) - n.opts.TTL))
	n.lastEcho.Store(0)
	n.checkEcho()
	if len(n.linkFailures) == 0 {
		t.Error("it does not notice that nothing arrives")
	}
}

// TestNodeDies: a silent node is removed within the TTL.
func TestNodeDies(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	a, b := startNode(t, "a", p.URL(), shortTimeouts), startNode(t, "b", r.URL(), shortTimeouts)
	a.waitLinked()
	b.waitLinked()
	a.Announce([]Change{{Route: "/", User: "ann", Present: true}})
	eventually(t, "b knows of ann", func() bool { return b.Online("/", "", "ann") })
	start := time.Now()
	p.Cut(true)
	eventually(t, "ann is gone", func() bool { return !b.Online("/", "", "ann") })
	if took := time.Since(start); took > 4*time.Second {
		t.Errorf("after %v, and the TTL is 4 s", took)
	}
	p.Open()
	eventually(t, "ann is back", func() bool { return b.Online("/", "", "ann") })
}
