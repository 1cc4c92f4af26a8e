package broker

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestRedisCluster: rooms over all masters of a Redis Cluster are in one order on all nodes, and receipts count
// all nodes, with and without sharded publications.
func TestRedisCluster(t *testing.T) {
	t.Parallel()
	r := redistest.StartCluster(t, 3, false)
	for _, noSharding := range []bool{false, true} {
		t.Run(map[bool]string{false: "sharded", true: "classic"}[noSharding], func(t *testing.T) {
			testRedisCluster(t, r.URL(), noSharding)
		})
	}
}

func testRedisCluster(t *testing.T, url string, noSharding bool) {
	const rooms, each = 30, 20
	nodes := startClusterNodes(t, url, noSharding, rooms)
	for i := range rooms {
		got := nodes[i%3].PublishAndWait(t.Context(), room(fmt.Sprint(i)), Message{Frame: textFrame("first")})
		if got.Sockets != 3 || len(got.Nodes) != 3 || got.Partial {
			t.Errorf("room %d: receipt %+v", i, got)
		}
	}
	for k := range each {
		for i := range rooms {
			for _, n := range nodes {
				n.publishf(room(fmt.Sprint(i)), "%s %d", n.name, k)
			}
		}
	}
	for i := range rooms {
		name := fmt.Sprint(i)
		for _, n := range nodes {
			eventually(t, n.name+" has all of "+name, func() bool { return len(n.texts(name)) >= 3*each+1 })
		}
		all := nodes[0].texts(name)
		for _, n := range nodes {
			if !slices.Equal(n.texts(name), all) {
				t.Fatalf("room %s: %s has another order", name, n.name)
			}
			wantSequence(t, all, n.name, 0, each)
		}
	}
	nodes[0].Unsubscribe(room("1"))
	eventually(t, "n0 has left", func() bool {
		got := nodes[1].PublishAndWait(t.Context(), room("1"), Message{Frame: textFrame("late")})
		return got.Sockets == 2 && len(got.Nodes) == 2
	})
	for _, n := range nodes {
		if s := n.Stats(); s.Links != 1 || s.Missed+s.Unsent+s.Overflow+s.Resets > 0 {
			t.Errorf("%s: %+v", n.name, s)
		}
	}
}

// startClusterNodes starts three nodes with a member in each room, and waits until each knows of those of the
// others.
func startClusterNodes(t *testing.T, url string, noSharding bool, rooms int) (nodes []*node) {
	t.Helper()
	for i := range 3 {
		nodes = append(nodes, startNode(t, fmt.Sprintf("n%d", i), url, func(o *Options) {
			o.noSharding, o.Prefix = noSharding, t.Name()
		}))
	}
	for _, n := range nodes {
		n.waitLinked()
		if n.sharded.Load() == noSharding {
			t.Fatalf("sharded: %v", n.sharded.Load())
		}
		var changes []Change
		for i := range rooms {
			n.Subscribe(room(fmt.Sprint(i)))
			changes = append(changes, Change{Route: "/rooms/:room", Room: fmt.Sprint(i), Size: 1})
		}
		for i := range rooms {
			n.waitSubscribed(room(fmt.Sprint(i)))
		}
		n.Announce(changes)
	}
	for _, n := range nodes {
		for i := range rooms {
			eventually(t, "all know of all", func() bool { return n.Sockets("/rooms/:room", fmt.Sprint(i)) == 2 })
		}
	}
	return nodes
}

// TestRedisClusterFailover: a master dies and its replica takes over. Both nodes go on, and with a history no
// message is lost that was published after the replica had the others.
func TestRedisClusterFailover(t *testing.T) {
	t.Parallel()
	r := redistest.StartCluster(t, 3, true)
	a, b := startNode(t, "a", r.URL(), shortTimeouts), startNode(t, "b", r.URL(), shortTimeouts)
	const rooms = 12 // on all masters
	for _, n := range []*node{a, b} {
		n.waitLinked()
		for i := range rooms {
			n.Subscribe(historyRoom(fmt.Sprint(i)))
		}
		for i := range rooms {
			n.waitSubscribed(historyRoom(fmt.Sprint(i)))
		}
	}
	publish := func(k int) {
		for i := range rooms {
			a.publishf(historyRoom(fmt.Sprint(i)), "a %d", k)
		}
	}
	wantAll := func(k int) {
		t.Helper()
		for i := range rooms {
			for _, n := range []*node{a, b} {
				eventually(t, fmt.Sprintf("%s has %d messages of room %d", n.name, k, i), func() bool {
					return len(n.texts(fmt.Sprint(i))) >= k
				})
				wantSequence(t, n.texts(fmt.Sprint(i)), "a", 0, k)
			}
		}
	}
	publish(0)
	wantAll(1)
	r.Servers[0].Kill()
	eventually(t, "a and b notice", func() bool { return !a.Up() && !b.Up() })
	start := time.Now()
	publish(1)
	a.waitLinked()
	b.waitLinked()
	t.Logf("linked again %v after", time.Since(start).Round(time.Millisecond))
	publish(2)
	wantAll(3)
}

// TestSentinel: a sentinel promotes the replica of a master that died.
func TestSentinel(t *testing.T) {
	t.Parallel()
	master, url := redistest.StartSentinel(t)
	a, b := startNode(t, "a", url, shortTimeouts), startNode(t, "b", url, shortTimeouts)
	for _, n := range []*node{a, b} {
		n.waitLinked()
		n.Subscribe(historyRoom("x"))
		n.waitSubscribed(historyRoom("x"))
	}
	a.publishf(historyRoom("x"), "a 0")
	eventually(t, "b has one", func() bool { return len(b.texts("x")) == 1 })
	master.Kill()
	eventually(t, "a and b notice", func() bool { return !a.Up() && !b.Up() })
	a.publishf(historyRoom("x"), "a 1")
	a.waitLinked()
	b.waitLinked()
	a.publishf(historyRoom("x"), "a 2")
	for _, n := range []*node{a, b} {
		eventually(t, n.name+" has three", func() bool { return len(n.texts("x")) == 3 })
		wantSequence(t, n.texts("x"), "a", 0, 3)
	}
}
