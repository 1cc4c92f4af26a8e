package broker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// said gives what a node without goroutines has told since.
func (n *node) said() (out []control) {
	for len(n.controls) > 0 {
		m := (<-n.controls).m
		m.Node, m.Start = n.name, n.Broker.start.UnixNano()
		out = append(out, m)
	}
	return out
}

// TestStatePartByPart: a state is asked for part by part, and what changes meanwhile is in it.
func TestStatePartByPart(t *testing.T) {
	a, b := bare(t), bare(t, func(o *Options) { o.Node = "b" })
	b.name = "b"
	var want []string
	for i := range 3 * statePart {
		b.Announce([]Change{here(fmt.Sprint(i))})
		want = append(want, fmt.Sprint(i))
	}
	b.said() // before a was there
	b.peers.say(b.channelAll(), control{Kind: kindHello})
	a.hears(b.said()...)
	parts := 0
	for k := 0; ; k++ {
		asked := a.said()
		b.hears(asked...)
		told := b.said()
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
			b.Announce([]Change{here(fmt.Sprint("new ", k)), {Route: "/", Room: "r", User: fmt.Sprint(k), Told: true}})
			want = append(want, fmt.Sprint("new ", k))
			want = slices.DeleteFunc(want, func(s string) bool { return s == fmt.Sprint(k) })
			told = append(told, b.said()...)
		}
		a.hears(told...)
	}
	slices.Sort(want)
	a.wantUsers(want...)
	if n := a.peers.nodes["b"]; !n.synced || parts < 3 {
		t.Errorf("synced %v after %d parts", n.synced, parts)
	}
	b.peers.say(b.channelAll(), control{Kind: kindHello})
	a.hears(b.said()...)
	for _, m := range a.said() {
		if m.Kind == kindAsk {
			t.Error("it asks for what it has")
		}
	}
}

// TestPartIsLost: a part, or a change between two, is lost on the way. It is asked for again.
func TestPartIsLost(t *testing.T) {
	n := bare(t)
	parts := state(5, []Change{here("ann")}, []Change{here("bob")}, []Change{here("cid")})
	n.hears(parts[0], parts[0], parts[1], parts[1])
	if m := n.said(); len(m) != 3 || m[2].Part != 2 {
		t.Errorf("asked: %+v", m)
	}
	n.peers.nodes["b"].asked = time.Time{}
	n.hears(control{Kind: kindBeat, Node: "b", Start: 1, Seq: 5})
	if m := n.said(); len(m) != 1 || m[0].Kind != kindAsk || m[0].Part != 2 {
		t.Errorf("asked again: %+v", m)
	}
	n.peers.nodes["b"].asked = time.Time{}
	n.hears(control{Kind: kindDelta, Node: "b", Start: 1, Seq: 7, Changes: []Change{here("dan")}})
	if m := n.said(); len(m) != 1 || m[0].Kind != kindAsk || m[0].Part != 0 {
		t.Errorf("asked from the beginning: %+v", m)
	}
	parts[2].Seq = 7
	n.hears(parts[2])
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
				n.peers.own.put(Change{Route: "/rooms/:room", Room: room, User: fmt.Sprintf("%s-4f9d7c1e-0000-4000-8000-%011d", name, i), Here: true})
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
			m := n.peers.merged[place{"/rooms/:room", "r"}]
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
	a, b := bare(t), bare(t, func(o *Options) { o.Node = "b" })
	b.name = "b"
	meet := func() {
		for _, n := range []*node{a, b} {
			n.peers.hello()
		}
		for more := true; more; {
			toB, toA := a.said(), b.said()
			b.hears(toB...)
			a.hears(toA...)
			more = len(toA)+len(toB) > 0
		}
	}
	heirs := func() (names []string) {
		for _, n := range []*node{a, b} {
			for _, e := range n.events {
				if e.heir {
					names = append(names, n.name)
				}
			}
		}
		return names
	}
	a.Announce([]Change{here("ann")})
	b.Announce([]Change{here("ann")})
	meet()
	a.Announce([]Change{left})
	b.Announce([]Change{left})
	a.said() // which nobody hears
	b.said()
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
	a.peers.own.forget(time.Now())
	if got, _ := a.peers.own.part(0); len(got) > 0 {
		t.Errorf("kept: %v", got)
	}
}

// TestLeftAndBuried: the node that had the user as well is gone, so that its leaving was told. When
// they meet again it is not told once more.
func TestLeftAndBuried(t *testing.T) {
	n := bare(t)
	n.hears(state(1, []Change{here("ann")})...)
	n.Announce([]Change{{Route: "/", Room: "r", User: "ann"}})
	n.hears(control{Kind: kindBye, Node: "b", Start: 1})
	if len(n.events) != 2 || !n.events[1].heir {
		t.Errorf("events %+v", n.events)
	}
	if got, _ := n.peers.own.part(0); len(got) > 0 {
		t.Errorf("kept: %v", got)
	}
}
