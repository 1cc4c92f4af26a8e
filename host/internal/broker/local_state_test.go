package broker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestStatePartByPart: a state is requested part by part, and includes changes made meanwhile.
func TestStatePartByPart(t *testing.T) {
	a, b := passiveNode(t), passiveNode(t, func(o *Options) { o.Node = "b" })
	b.name = "b"
	var want []string
	for i := range 3 * statePartSize {
		b.Announce([]Change{present(fmt.Sprint(i))})
		want = append(want, fmt.Sprint(i))
	}
	b.sent() // dropped: a has not joined yet
	b.peers.send(b.clusterChannel(), clusterMessage{Kind: kindHello})
	a.receive(b.sent()...)
	parts := 0
	for k := 0; ; k++ {
		b.receive(a.sent()...)
		answers := b.sent()
		if len(answers) == 0 {
			break
		}
		if len(answers) > 2 {
			t.Fatalf("%d messages at once", len(answers))
		}
		for _, m := range answers {
			if m.Kind == kindState {
				parts++
			}
		}
		if k < 3 { // one user comes and one leaves between two parts
			leave := Change{Route: "/", Room: "r", User: fmt.Sprint(k), Reported: true}
			b.Announce([]Change{present(fmt.Sprint("new ", k)), leave})
			want = append(want, fmt.Sprint("new ", k))
			want = slices.DeleteFunc(want, func(s string) bool { return s == fmt.Sprint(k) })
			answers = append(answers, b.sent()...)
		}
		a.receive(answers...)
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
			t.Error("it requests a state that it has")
		}
	}
}

// TestPartIsLost: a lost part is requested again; a lost delta makes the whole state be requested again.
func TestPartIsLost(t *testing.T) {
	n := passiveNode(t)
	parts := state(5, []Change{present("ann")}, []Change{present("bob")}, []Change{present("cid")})
	n.receive(parts[0], parts[0], parts[1], parts[1])
	if m := n.sent(); len(m) != 3 || m[2].FirstBucket != 2 {
		t.Errorf("requested: %+v", m)
	}
	n.peers.nodes["b"].requestedAt = time.Time{}
	n.receive(clusterMessage{Kind: kindHeartbeat, Node: "b", Start: 1, Seq: 5})
	if m := n.sent(); len(m) != 1 || m[0].Kind != kindStateRequest || m[0].FirstBucket != 2 {
		t.Errorf("requested again: %+v", m)
	}
	n.peers.nodes["b"].requestedAt = time.Time{}
	n.receive(clusterMessage{Kind: kindDelta, Node: "b", Start: 1, Seq: 7, Changes: []Change{present("dan")}})
	if m := n.sent(); len(m) != 1 || m[0].Kind != kindStateRequest || m[0].FirstBucket != 0 {
		t.Errorf("requested from the beginning: %+v", m)
	}
	parts[2].Seq = 7
	n.receive(parts[2])
	n.wantUsers("ann", "bob")
}

// TestManyUsers: a node joins others that have many users. No message burst makes Redis close a connection.
func TestManyUsers(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "no", "--client-output-buffer-limit", "pubsub 3mb 0 0")
	const users = 20_000
	longTTL := func(o *Options) { o.TTL = 8 * time.Second }
	var nodes []*node
	for _, name := range []string{"a", "b", "c"} {
		n := startNode(t, name, r.URL(), longTTL)
		n.peers.mu.Lock()
		for i := range users { // not announced: the others have not joined yet
			for _, room := range []string{"", "r"} {
				user := fmt.Sprintf("%s-4f9d7c1e-0000-4000-8000-%011d", name, i)
				n.peers.local.set(Change{Route: "/rooms/:room", Room: room, User: user, Present: true})
			}
		}
		n.peers.seq++
		n.peers.mu.Unlock()
		nodes = append(nodes, n)
	}
	waitKnows := func(n *node, others int) {
		eventually(t, n.name+" knows all", func() bool {
			n.peers.mu.Lock()
			defer n.peers.mu.Unlock()
			m := n.peers.rooms[roomKey{"/rooms/:room", "r"}]
			return m != nil && len(m.users) == others*users
		})
	}
	for _, n := range nodes {
		waitKnows(n, 2)
	}
	x := startNode(t, "x", r.URL(), longTTL)
	waitKnows(x, 3)
	for _, n := range append(nodes, x) {
		if s := n.Stats(); s.Links != 1 || s.Overflow > 0 {
			t.Errorf("%s: %+v", n.name, s)
		}
	}
}

// TestLeftWhileApart: two nodes lose a user while they are cut off from each other. One of them reports the
// leave.
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
	reporters := func() (names []string) {
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
	a.sent() // dropped
	b.sent()
	meet()
	a.wantUsers()
	b.wantUsers()
	if got := reporters(); !slices.Equal(got, []string{"a"}) {
		t.Errorf("reporters %q", got)
	}
	meet()
	if got := reporters(); len(got) != 1 {
		t.Errorf("reporters %q after the second meeting", got)
	}
	a.peers.local.dropUnreportedBefore(time.Now())
	if got, _ := a.peers.local.part(0); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}

// TestLeftAndRemoved: the leave of a user is reported when the other node that had the user is removed, and not
// again later.
func TestLeftAndRemoved(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	n.Announce([]Change{{Route: "/", Room: "r", User: "ann"}})
	n.receive(clusterMessage{Kind: kindLeave, Node: "b", Start: 1})
	if len(n.events) != 2 || !n.events[1].leader {
		t.Errorf("events %+v", n.events)
	}
	if got, _ := n.peers.local.part(0); len(got) > 0 {
		t.Errorf("left: %v", got)
	}
}
