package broker

import (
	"context"
	"encoding/json"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// asks says whether a control message has the node ask for a state.
func (n *node) requestsState(m clusterMessage) bool {
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	if p := n.peers.nodes[m.Node]; p != nil {
		p.requestedAt = p.requestedAt.Add(-stateRetry) // it was long ago
	}
	return n.peers.react(&m).requestState
}

func present(user string) Change { return Change{Route: "/", Room: "r", User: user, Present: true} }

// state is a state of node b in parts.
func state(seq uint64, parts ...[]Change) (out []clusterMessage) {
	for i, p := range parts {
		m := clusterMessage{Kind: kindState, Node: "b", Start: 1, Seq: seq, Changes: p, FirstBucket: i, NextBucket: i + 1}
		if m.LastPart = i == len(parts)-1; m.LastPart {
			m.NextBucket = 0
		}
		out = append(out, m)
	}
	return out
}

func (n *node) receive(messages ...clusterMessage) {
	for _, m := range messages {
		p, _ := json.Marshal(m)
		n.Broker.handleClusterMessage(p)
	}
}

func (n *node) wantUsers(users ...string) {
	n.t.Helper()
	got := n.Users("/", "r")
	if slices.Sort(got); !slices.Equal(got, users) {
		n.t.Errorf("%v are there, want %v", got, users)
	}
}

// TestStateAgain: who is named by the second part of a state that is told again has
// not left, and who is not named at all has.
func TestStateAgain(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann"), present("bob")}, []Change{present("cid")})...)
	n.events = nil
	again := state(5, []Change{present("ann")}, []Change{present("cid")})
	n.receive(again[0])
	n.wantUsers("ann", "bob", "cid")
	n.receive(again[1])
	n.wantUsers("ann", "cid")
	if len(n.events) != 1 || n.events[0].User != "bob" || n.events[0].Present {
		t.Errorf("events %+v", n.events)
	}
}

// TestStateWithAGap: a state of which a part was dropped is no state.
func TestStateWithAGap(t *testing.T) {
	beat := clusterMessage{Kind: kindHeartbeat, Node: "b", Start: 1, Seq: 1}
	for missing := range 3 {
		t.Run(fmt.Sprint(missing), func(t *testing.T) {
			n := passiveNode(t)
			n.receive(clusterMessage{Kind: kindHello, Node: "b", Start: 1})
			parts := state(1, []Change{present("ann")}, []Change{present("bob")}, []Change{present("cid")})
			n.receive(slices.Delete(parts, missing, missing+1)...)
			if !n.requestsState(beat) {
				t.Error("it does not ask again")
			}
			n.receive(state(1, []Change{present("ann")}, []Change{present("bob")}, []Change{present("cid")})...)
			if n.requestsState(beat) {
				t.Error("it asks although it has all")
			}
			n.wantUsers("ann", "bob", "cid")
		})
	}
}

// TestHelloSaysWhere: a node that could not tell of changes says so with its hello.
func TestHelloSaysWhere(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	if !n.requestsState(clusterMessage{Kind: kindHello, Node: "b", Start: 1, Seq: 2}) {
		t.Error("it does not ask for what it has missed")
	}
}

// TestSameName: of two processes with one name the later counts, also when the one before
// says goodbye after it.
func TestSameName(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	second := state(1, []Change{present("bob")})[0]
	second.Start = 2
	n.receive(second)
	n.wantUsers("bob")
	n.receive(clusterMessage{Kind: kindHeartbeat, Node: "b", Start: 1, Seq: 1}, clusterMessage{Kind: kindLeave, Node: "b", Start: 1})
	n.wantUsers("bob")
	n.receive(clusterMessage{Kind: kindLeave, Node: "b", Start: 2})
	n.wantUsers()
	n.receive(clusterMessage{Kind: kindHeartbeat})
	if got := n.Nodes(); len(got) > 0 {
		t.Errorf("nodes %q", got)
	}
}

// TestNotSane: what no node says does no harm.
func TestNotSane(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{{Route: "/", Room: "r", Size: -3}, {Route: "/", Room: "r", User: "ann", Size: 7}})...)
	if got := n.Sockets("/", "r"); got != 0 {
		t.Errorf("%d sockets", got)
	}
	if p := n.peers.nodes["b"]; len(p.state)+len(n.peers.rooms) > 0 {
		t.Errorf("state %v, %v", p.state, n.peers.rooms)
	}
}

// TestLastOfTwo: a user leaves two nodes at once, and each believes that the other one
// still has it. One tells.
func TestLastOfTwo(t *testing.T) {
	leaves := func(told bool) []Change { return []Change{{Route: "/", Room: "r", User: "ann", Reported: told}} }
	for _, c := range []struct {
		self string
		told bool
		want []event
	}{
		{"a", false, []event{{leaves(false)[0], true}}},
		{"a", true, []event{{leaves(true)[0], false}}},
		{"c", false, []event{{leaves(false)[0], false}}}, // b is for it
	} {
		n := passiveNode(t, func(o *Options) { o.Node = c.self })
		n.receive(state(1, []Change{present("ann")})...)
		n.events = nil
		n.receive(clusterMessage{Kind: kindDelta, Node: "b", Start: 1, Seq: 2, Changes: leaves(c.told)})
		if !reflect.DeepEqual(n.events, c.want) {
			t.Errorf("%s, told %v: %+v", c.self, c.told, n.events)
		}
	}
}

// TestHeirOfTwo: two nodes die at the same time. The one that is noticed first leaves
// its users to one that lives.
func TestHeirOfTwo(t *testing.T) {
	n := passiveNode(t, func(o *Options) { o.Node = "z" })
	n.receive(state(1, []Change{present("ann")})...)
	n.receive(clusterMessage{Kind: kindHeartbeat, Node: "c", Start: 1})
	n.events = nil
	n.peers.nodes["c"].lastSeen = n.peers.nodes["c"].lastSeen.Add(-n.opts.TTL / 2)
	n.peers.nodes["b"].lastSeen = n.peers.nodes["b"].lastSeen.Add(-n.opts.TTL)
	n.stateSince = n.stateSince.Add(-n.opts.TTL)
	n.peers.removeSilent()
	if len(n.events) != 1 || !n.events[0].leader {
		t.Errorf("events %+v", n.events)
	}
}

// TestByeIsLast: what a node tells until it ends arrives before its goodbye, so that nobody
// is told of twice, and it is not met again.
func TestByeIsLast(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	const users = 3000
	for i := range users {
		a.Announce([]Change{present(fmt.Sprint(i))})
	}
	eventually(t, "b knows all", func() bool { return len(b.Users("/", "r")) == users })
	for i := range users {
		a.Announce([]Change{{Route: "/", Room: "r", User: fmt.Sprint(i), Reported: true}})
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	if err := a.Close(ctx); err != nil {
		t.Fatal(err)
	}
	eventually(t, "a is gone", func() bool { return len(b.Nodes()) == 0 })
	b.receive(clusterMessage{Kind: kindDelta, Node: "a", Start: a.start.UnixNano(), Seq: 1, Changes: []Change{present("late")}})
	if got := b.Nodes(); len(got) > 0 {
		t.Errorf("it is met again: %q", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.leader {
			t.Fatalf("%+v is told again", e)
		}
	}
}

// TestRoomsOfAGrace: a room is listed on every node while a user is present there, if only for a grace.
func TestRoomsOfAGrace(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	if got := n.Rooms("/"); len(got) != 1 {
		t.Errorf("rooms %v", got)
	}
}
