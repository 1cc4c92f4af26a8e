package broker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// said gives what a node without goroutines has told since.
func (n *node) sent() (out []clusterMessage) {
	for len(n.clusterOut) > 0 {
		m := (<-n.clusterOut).message
		m.Node, m.Start = n.name, n.Broker.start.UnixNano()
		out = append(out, m)
	}
	return out
}

// TestStatePartByPart: a state is asked for part by part, and what changes meanwhile is in it.
func TestStatePartByPart(t *testing.T) {
	a, b := passiveNode(t), passiveNode(t, func(o *Options) { o.Node = "b" })
	b.name = "b"
	var want []string
	for i := range 3 * statePartSize {
		b.Announce([]Change{present(fmt.Sprint(i))})
		want = append(want, fmt.Sprint(i))
	}
	b.sent() // before a was there
	b.peers.send(b.clusterChannel(), clusterMessage{Kind: kindHello})
	a.receive(b.sent()...)
	parts := 0
	for k := 0; ; k++ {
		asked := a.sent()
		b.receive(asked...)
		told := b.sent()
		if len(told) == 0 {
			break
		}
		if len(told) > 2 {
			t.Fatalf("%d messages at once", len(told))
		}
		for _, m := range told {
			if m.Kind == kindState {
				parts++
			}
		}
		if k < 3 { // one comes and one leaves between two parts
			b.Announce([]Change{present(fmt.Sprint("new ", k)), {Route: "/", Room: "r", User: fmt.Sprint(k), Reported: true}})
			want = append(want, fmt.Sprint("new ", k))
			want = slices.DeleteFunc(want, func(s string) bool { return s == fmt.Sprint(k) })
			told = append(told, b.sent()...)
		}
		a.receive(told...)
	}
	slices.Sort(want)
	a.wantUsers(want...)
	if n := a.peers.nodes["b"]; !n.synced || parts < 3 {
		t.Errorf("synced %v after %d parts", n.synced, parts)
	}
	b.peers.send(b.clusterChannel(), clusterMessage{Kind: kindHello})
	a.receive(b.sent()...)
	for _, m := range a.sent() {
		if m.Kind == kindStateRequest {
			t.Error("it asks for what it has")
		}
	}
}

// TestPartIsLost: a part, or a change between two, is lost on the way. It is asked for again.
func TestPartIsLost(t *testing.T) {
	n := passiveNode(t)
	parts := state(5, []Change{present("ann")}, []Change{present("bob")}, []Change{present("cid")})
	n.receive(parts[0], parts[0], parts[1], parts[1])
	if m := n.sent(); len(m) != 3 || m[2].FirstBucket != 2 {
		t.Errorf("asked: %+v", m)
	}
	n.peers.nodes["b"].requestedAt = time.Time{}
	n.receive(clusterMessage{Kind: kindHeartbeat, Node: "b", Start: 1, Seq: 5})
	if m := n.sent(); len(m) != 1 || m[0].Kind != kindStateRequest || m[0].FirstBucket != 2 {
		t.Errorf("asked again: %+v", m)
	}
	n.peers.nodes["b"].requestedAt = time.Time{}
	n.receive(clusterMessage{Kind: kindDelta, Node: "b", Start: 1, Seq: 7, Changes: []Change{present("dan")}})
	if m := n.sent(); len(m) != 1 || m[0].Kind != kindStateRequest || m[0].FirstBucket != 0 {
		t.Errorf("asked from the beginning: %+v", m)
	}
	parts[2].Seq = 7
	n.receive(parts[2])
	n.wantUsers("ann", "bob")
}

// TestManyUsers: a node comes to others that have many users. Nobody is told so much at once that Redis
// ends the connection.
func TestManyUsers(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "no", "--client-output-buffer-limit", "pubsub 3mb 0 0")
	const users = 20_000
	lively := func(o *Options) { o.TTL = 8 * time.Second }
	var nodes []*node
	for _, name := range []string{"a", "b", "c"} {
		n := startNode(t, name, r.URL(), lively)
		n.peers.mu.Lock()
		for i := range users { // they were announced when the others were not there
			for _, room := range []string{"", "r"} {
				n.peers.local.set(Change{Route: "/rooms/:room", Room: room, User: fmt.Sprintf("%s-4f9d7c1e-0000-4000-8000-%011d", name, i), Present: true})
			}
		}
		n.peers.seq++
		n.peers.mu.Unlock()
		nodes = append(nodes, n)
	}
	knows := func(n *node, others int) {
		eventually(t, n.name+" knows all", func() bool {
			n.peers.mu.Lock()
			defer n.peers.mu.Unlock()
			m := n.peers.rooms[roomKey{"/rooms/:room", "r"}]
			return m != nil && len(m.users) == others*users
		})
	}
	for _, n := range nodes {
		knows(n, 2)
	}
	x := startNode(t, "x", r.URL(), lively)
	knows(x, 3)
	for _, n := range append(nodes, x) {
		if s := n.Stats(); s.Links != 1 || s.Overflow > 0 {
			t.Errorf("%s: %+v", n.name, s)
		}
	}
}

// TestLeftWhileApart: two nodes have a user, and lose both it and each other. One tells that it has left.
func TestLeftWhileApart(t *testing.T) {
	left := Change{Route: "/", Room: "r", User: "ann"}
	a, b := passiveNode(t), passiveNode(t, func(o *Options) { o.Node = "b" })
	b.name = "b"
	meet := func() {
		for _, n := range []*node{a, b} {
			n.peers.sendHello()
		}
		for more := true; more; {
			toB, toA := a.sent(), b.sent()
			b.receive(toB...)
			a.receive(toA...)
			more = len(toA)+len(toB) > 0
		}
	}
	heirs := func() (names []string) {
		for _, n := range []*node{a, b} {
			for _, e := range n.events {
				if e.leader {
					names = append(names, n.name)
				}
			}
		}
		return names
	}
	a.Announce([]Change{present("ann")})
	b.Announce([]Change{present("ann")})
	meet()
	a.Announce([]Change{left})
	b.Announce([]Change{left})
	a.sent() // which nobody hears
	b.sent()
	meet()
	a.wantUsers()
	b.wantUsers()
	if got := heirs(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("heirs %q", got)
	}
	meet()
	if got := heirs(); len(got) != 1 {
		t.Errorf("heirs %q when they meet again", got)
	}
	a.peers.local.dropUnreportedBefore(time.Now())
	if got, _ := a.peers.local.part(0); len(got) > 0 {
		t.Errorf("kept: %v", got)
	}
}

// TestLeftAndBuried: the node that had the user as well is gone, so that its leaving was told. When
// they meet again it is not told once more.
func TestLeftAndBuried(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	n.Announce([]Change{{Route: "/", Room: "r", User: "ann"}})
	n.receive(clusterMessage{Kind: kindLeave, Node: "b", Start: 1})
	if len(n.events) != 2 || !n.events[1].leader {
		t.Errorf("events %+v", n.events)
	}
	if got, _ := n.peers.local.part(0); len(got) > 0 {
		t.Errorf("kept: %v", got)
	}
}
