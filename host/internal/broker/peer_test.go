package broker

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// requestsState returns whether a node requests the sender's state because of a message.
func (n *node) requestsState(m clusterMessage) bool {
	n.peers.mu.Lock()
	defer n.peers.mu.Unlock()
	if p := n.peers.nodes[m.Node]; p != nil {
		p.requestedAt = p.requestedAt.Add(-stateRetry) // the retry interval is over
	}
	return n.peers.react(&m).requestState
}

// present returns the change that a user came.
func present(user string) Change { return Change{Route: "/", Room: "r", User: user, Present: true} }

// state returns a state of node b in parts.
func state(seq uint64, parts ...[]Change) (out []clusterMessage) {
	for i, p := range parts {
		m := clusterMessage{
			Kind: kindState, Node: "b", Start: 1, Seq: seq, Changes: p, FirstBucket: i, NextBucket: i + 1,
		}
		if m.LastPart = i == len(parts)-1; m.LastPart {
			m.NextBucket = 0
		}
		out = append(out, m)
	}
	return out
}

// wantUsers fails unless these users are present on other nodes.
func (n *node) wantUsers(users ...string) {
	n.t.Helper()
	got := n.Users("/", "r")
	if slices.Sort(got); !slices.Equal(got, users) {
		n.t.Errorf("present: %v, want %v", got, users)
	}
}

// TestPresence: nodes know the users and sockets of the others, and the leader reports the users of a node that
// left.
func TestPresence(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	a.Announce([]Change{present("ann"), {Route: "/", Room: "r", Size: 2}})
	b := startNode(t, "b", r.URL()) // joins later
	b.waitLinked()
	eventually(t, "b knows of ann", func() bool { return b.Online("/", "r", "ann") && b.Sockets("/", "r") == 2 })
	b.Announce([]Change{present("bob")})
	eventually(t, "a knows of bob", func() bool { return a.Online("/", "r", "bob") })
	if a.Online("/", "r", "ann") || b.Online("/", "", "ann") {
		t.Error("own users, or those of another room, count as remote")
	}
	var many []Change
	for i := range 2500 {
		many = append(many, present(fmt.Sprint(i)))
	}
	a.Announce(many)
	eventually(t, "b knows of many", func() bool { return len(b.Users("/", "r")) == 2501 })
	c := startNode(t, "c", r.URL())
	c.waitLinked()
	eventually(t, "c knows of many", func() bool { return len(c.Users("/", "r")) == 2502 })
	a.Announce([]Change{{Route: "/", Room: "r", User: "ann"}, {Route: "/", Room: "r"}})
	eventually(t, "ann is gone", func() bool { return !b.Online("/", "r", "ann") && b.Sockets("/", "r") == 0 })

	a.close()
	eventually(t, "a is gone", func() bool { return len(b.Users("/", "r")) == 0 && len(c.Users("/", "r")) == 1 })
	reported := func() (n int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		for _, e := range b.events {
			if e.leader {
				n++
			}
		}
		return n
	}
	// Presence is called for one user after another.
	eventually(t, "the leader has reported all", func() bool { return reported() >= 2500 })
	if n := reported(); n != 2500 {
		t.Errorf("the leader reported %d users", n)
	}
}

// TestStateReceivedTwice: a user who is named in a later part of a repeated state stays; one who is not named
// has left.
func TestStateReceivedTwice(t *testing.T) {
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

// TestStateWithAGap: a state with a missing part is requested again.
func TestStateWithAGap(t *testing.T) {
	heartbeat := clusterMessage{Kind: kindHeartbeat, Node: "b", Start: 1, Seq: 1}
	for missing := range 3 {
		t.Run(fmt.Sprint(missing), func(t *testing.T) {
			n := passiveNode(t)
			n.receive(clusterMessage{Kind: kindHello, Node: "b", Start: 1})
			parts := state(1, []Change{present("ann")}, []Change{present("bob")}, []Change{present("cid")})
			n.receive(slices.Delete(parts, missing, missing+1)...)
			if !n.requestsState(heartbeat) {
				t.Error("it does not request it again")
			}
			n.receive(state(1, []Change{present("ann")}, []Change{present("bob")}, []Change{present("cid")})...)
			if n.requestsState(heartbeat) {
				t.Error("it requests a complete state")
			}
			n.wantUsers("ann", "bob", "cid")
		})
	}
}

// TestHelloHasSequence: a hello has the number of the last delta, so that missed deltas are noticed.
func TestHelloHasSequence(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	if !n.requestsState(clusterMessage{Kind: kindHello, Node: "b", Start: 1, Seq: 2}) {
		t.Error("it does not request what it missed")
	}
}

// TestSameName: of two processes with one name the later one counts, also when the earlier one leaves after it
// joined.
func TestSameName(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	second := state(1, []Change{present("bob")})[0]
	second.Start = 2
	n.receive(second)
	n.wantUsers("bob")
	n.receive(clusterMessage{Kind: kindHeartbeat, Node: "b", Start: 1, Seq: 1})
	n.receive(clusterMessage{Kind: kindLeave, Node: "b", Start: 1})
	n.wantUsers("bob")
	n.receive(clusterMessage{Kind: kindLeave, Node: "b", Start: 2})
	n.wantUsers()
	n.receive(clusterMessage{Kind: kindHeartbeat})
	if got := n.Nodes(); len(got) > 0 {
		t.Errorf("nodes %q", got)
	}
}

// TestImpossibleChanges: changes that no node makes do no harm.
func TestImpossibleChanges(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{{Route: "/", Room: "r", Size: -3}, {Route: "/", Room: "r", User: "ann", Size: 7}})...)
	if got := n.Sockets("/", "r"); got != 0 {
		t.Errorf("%d sockets", got)
	}
	if p := n.peers.nodes["b"]; len(p.state)+len(n.peers.rooms) > 0 {
		t.Errorf("state %v, %v", p.state, n.peers.rooms)
	}
}

// TestLastOfTwo: a user leaves two nodes at once, and each believes that the other still has the user. One
// reports the leave.
func TestLastOfTwo(t *testing.T) {
	leave := func(reported bool) []Change {
		return []Change{{Route: "/", Room: "r", User: "ann", Reported: reported}}
	}
	for _, c := range []struct {
		self     string
		reported bool
		want     []event
	}{
		{"a", false, []event{{leave(false)[0], true}}},
		{"a", true, []event{{leave(true)[0], false}}},
		{"c", false, []event{{leave(false)[0], false}}}, // b is the leader
	} {
		n := passiveNode(t, func(o *Options) { o.Node = c.self })
		n.receive(state(1, []Change{present("ann")})...)
		n.events = nil
		n.receive(clusterMessage{Kind: kindDelta, Node: "b", Start: 1, Seq: 2, Changes: leave(c.reported)})
		if !reflect.DeepEqual(n.events, c.want) {
			t.Errorf("%s, reported %v: %+v", c.self, c.reported, n.events)
		}
	}
}

// TestLeaderIsDead: two nodes die at once. The first to be removed leaves its users to a leader that is alive.
func TestLeaderIsDead(t *testing.T) {
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

// TestLeaveIsLast: what a node announces before it ends arrives before its leave, so that no user is reported
// twice, and the node does not appear again.
func TestLeaveIsLast(t *testing.T) {
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
	late := []Change{present("late")}
	b.receive(clusterMessage{Kind: kindDelta, Node: "a", Start: a.start.UnixNano(), Seq: 1, Changes: late})
	if got := b.Nodes(); len(got) > 0 {
		t.Errorf("it appears again: %q", got)
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, e := range b.events {
		if e.leader {
			t.Fatalf("%+v is reported again", e)
		}
	}
}

// TestRoomsInGracePeriod: a room is listed while a user is present there, if only in the grace period.
func TestRoomsInGracePeriod(t *testing.T) {
	n := passiveNode(t)
	n.receive(state(1, []Change{present("ann")})...)
	if got := n.Rooms("/"); len(got) != 1 {
		t.Errorf("rooms %v", got)
	}
}
