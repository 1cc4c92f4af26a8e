package host_test

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/internal/redistest"
	"github.com/coder/websocket"
)

// presenceLog counts the joins and leaves of users in rooms that on_presence of all nodes is called with.
type presenceLog struct {
	mu    sync.Mutex
	joins map[string]int
	left  map[string]int
}

// route returns a route whose on_presence counts in l.
func (l *presenceLog) route() host.Route {
	l.joins, l.left = map[string]int{}, map[string]int{}
	route := historyRoute()
	route.Channel.(*host.Funcs).OnPresence = func(_ host.Env, room, user string, join bool) error {
		l.mu.Lock()
		defer l.mu.Unlock()
		switch {
		case room == "":
		case join:
			l.joins[user]++
		default:
			l.left[user]++
		}
		return nil
	}
	return route
}

// of returns how often a user joined and left a room.
func (l *presenceLog) of(user string) (joins, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.joins[user], l.left[user]
}

// fence waits until a node has announced everything that it knew before: the join and the leave of another user follow
// it.
func (l *presenceLog) fence(t *testing.T, n node) {
	t.Helper()
	c := dial(t, n.url+"/rooms/a?user=fence")
	eventually(t, "the join of the fence is announced", func() bool { joins, _ := l.of("fence"); return joins == 1 })
	_ = c.CloseNow()
	eventually(t, "the leave of the fence is announced", func() bool { _, left := l.of("fence"); return left == 1 })
}

// discard reads and drops all messages of a connection.
func discard(c *websocket.Conn) {
	go func() { // ends with the connection
		for {
			if _, _, err := c.Read(context.Background()); err != nil {
				return
			}
		}
	}()
}

// TestDrainAnnouncesOnce checks that the leave of each user of a drained node is announced once, by whichever node.
func TestDrainAnnouncesOnce(t *testing.T) {
	var log presenceLog
	nodes := startCluster(t, 2, host.Options{
		Routes: []host.Route{log.route()}, Drain: host.DrainOptions{Spread: 200 * time.Millisecond},
	})
	const users = 40
	for i := range users {
		discard(dial(t, fmt.Sprintf("%s/rooms/a?user=u%d", nodes[0].url, i)))
	}
	eventually(t, "the other node knows all users", func() bool {
		r, err := nodes[1].Room(testContext(t), "/rooms/:room", "a")
		return err == nil && r.Users == users
	})
	if err := nodes[0].Drain(testContext(t)); err != nil {
		t.Fatal(err)
	}
	if err := nodes[0].Close(testContext(t)); err != nil {
		t.Fatal(err)
	}
	wantMetric(t, nodes[1].Host, "azuhost_broker_nodes", 1)
	log.fence(t, nodes[1])
	for i := range users {
		if _, left := log.of(fmt.Sprintf("u%d", i)); left != 1 {
			t.Errorf("the leave of user %d was announced %d times", i, left)
		}
	}
}

// TestLeaveWithoutLink checks that a user who leaves two nodes while one of them has no link to Redis leaves once.
func TestLeaveWithoutLink(t *testing.T) {
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	var log presenceLog
	o := host.Options{
		Node: "a", Routes: []host.Route{log.route()},
		Broker: host.Broker{URL: r.URL(), Required: true, TTL: time.Minute},
	}
	a, urlA := serveQuiet(t, o)
	o.Node, o.Broker.URL = "b", p.URL()
	b, urlB := serveQuiet(t, o)
	sockets := func(h *host.Host, want int) {
		t.Helper()
		eventually(t, fmt.Sprintf("%d connections are counted", want), func() bool {
			x, err := h.Room(testContext(t), "/rooms/:room", "a")
			return err == nil && x.Sockets == want
		})
	}
	one := dial(t, urlA+"/rooms/a?user=ann")
	sockets(b, 1)
	two := dial(t, urlB+"/rooms/a?user=ann")
	sockets(a, 2)
	p.Cut(true)
	wantMetric(t, b, "azuhost_broker_connected", 0)
	_, _ = one.CloseNow(), two.CloseNow()
	sockets(a, 1) // the connection to b, as it was before the cut
	sockets(b, 1)
	p.Open()
	sockets(a, 0)
	sockets(b, 0)
	eventually(t, "the leave is announced", func() bool { _, left := log.of("ann"); return left > 0 })
	log.fence(t, node{a, "a", urlA})
	if joins, left := log.of("ann"); joins != 1 || left != 1 {
		t.Errorf("the join was announced %d times, the leave %d times", joins, left)
	}
}

// TestClusterPresenceEvents checks that a user with a connection to each of two nodes joins once and leaves once.
func TestClusterPresenceEvents(t *testing.T) {
	var mu sync.Mutex
	var events []string
	route := historyRoute()
	route.Channel.(*host.Funcs).OnPresence = func(_ host.Env, room, user string, join bool) error {
		mu.Lock()
		defer mu.Unlock()
		if room != "" {
			events = append(events, fmt.Sprint(user, " ", join))
		}
		return nil
	}
	nodes := startCluster(t, 2, host.Options{Routes: []host.Route{route}})
	seen := func() string {
		mu.Lock()
		defer mu.Unlock()
		return strings.Join(events, ", ")
	}
	one := dial(t, nodes[0].url+"/rooms/a?user=ann")
	eventually(t, "ann is on n0, and n1 knows", func() bool {
		on, _ := nodes[1].Online(testContext(t), "/rooms/:room", "ann")
		return on && seen() == "ann true"
	})
	subscriber, _ := dialV1(t, nodes[1].url+"/rooms/a?user=bob")
	wantControl(t, subscriber, "joined")
	request(t, subscriber, `{"type":"presence","id":1,"room":"a","watch":true}`)
	if p := wantControl(t, subscriber, "presence"); !slices.Equal(p.Users, []string{"ann", "bob"}) {
		t.Errorf("%+v", p)
	}
	two := dial(t, nodes[1].url+"/rooms/a?user=ann")
	eventually(t, "n0 counts both connections of ann", func() bool {
		r, _ := nodes[0].Room(testContext(t), "/rooms/:room", "a")
		return r.Sockets == 3
	})
	_ = one.Close(websocket.StatusNormalClosure, "")
	eventually(t, "n1 counts one connection of ann", func() bool {
		r, _ := nodes[1].Room(testContext(t), "/rooms/:room", "a")
		return r.Sockets == 2
	})
	_ = two.Close(websocket.StatusNormalClosure, "")
	for {
		m := wantAnyControl(t, subscriber)
		if m.User == "ann" && m.Type == "presence_leave" {
			break
		}
	}
	eventually(t, "the leave of ann is announced", func() bool { return strings.HasSuffix(seen(), "ann false") })
	if n := strings.Count(seen(), "ann"); n != 2 {
		t.Errorf("events: %s", seen())
	}
}

// TestClusterLeaveAtOnce checks that users who leave two nodes at the same time leave once, although each node still
// counts the connections of the other one.
func TestClusterLeaveAtOnce(t *testing.T) {
	var mu sync.Mutex
	left := map[string]int{}
	route := historyRoute()
	route.PresenceGrace = -1
	route.Channel.(*host.Funcs).OnPresence = func(_ host.Env, room, user string, join bool) error {
		mu.Lock()
		defer mu.Unlock()
		if room != "" && !join {
			left[user]++
		}
		return nil
	}
	nodes := startCluster(t, 3, host.Options{Routes: []host.Route{route}})
	const users = 20
	var conns []*websocket.Conn
	for i := range users {
		for _, n := range nodes[1:] { // the first node has no members and announces the leaves
			conns = append(conns, dial(t, fmt.Sprintf("%s/rooms/a?user=u%d", n.url, i)))
		}
	}
	for _, n := range nodes {
		eventually(t, n.name+" knows of all", func() bool {
			r, _ := n.Room(testContext(t), "/rooms/:room", "a")
			return r.Sockets == 2*users && r.Users == users
		})
	}
	for _, c := range conns {
		go func() { _ = c.CloseNow() }()
	}
	for i := range users {
		eventually(t, fmt.Sprintf("u%d has left", i), func() bool {
			mu.Lock()
			defer mu.Unlock()
			return left[fmt.Sprintf("u%d", i)] > 0
		})
	}
	for _, n := range nodes {
		eventually(t, n.name+" knows that all have left", func() bool {
			r, _ := n.Room(testContext(t), "/rooms/:room", "a")
			return r.Sockets == 0 && r.Users == 0
		})
	}
	mu.Lock()
	defer mu.Unlock()
	for user, n := range left {
		if n != 1 {
			t.Errorf("%s has left %d times", user, n)
		}
	}
}
