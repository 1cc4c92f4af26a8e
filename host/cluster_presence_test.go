package host_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/internal/redistest"
	"github.com/coder/websocket"
)

// presenceLog is what the plugins of all nodes were told of users in rooms.
type presenceLog struct {
	mu    sync.Mutex
	joins map[string]int
	left  map[string]int
}

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

func (l *presenceLog) of(user string) (joins, left int) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.joins[user], l.left[user]
}

// fence waits until a node has told what it knew before.
func (l *presenceLog) fence(t *testing.T, n node) {
	t.Helper()
	c := dial(t, n.url+"/rooms/a?user=fence")
	eventually(t, "the fence has come", func() bool { joins, _ := l.of("fence"); return joins == 1 })
	_ = c.CloseNow()
	eventually(t, "the fence has left", func() bool { _, left := l.of("fence"); return left == 1 })
}

// read takes all that comes.
func read(c *websocket.Conn) {
	go func() { // ends with the connection
		for {
			if _, _, err := c.Read(context.Background()); err != nil {
				return
			}
		}
	}()
}

// TestDrainTellsOnce: the users of a node that is drained leave once, whichever node tells.
func TestDrainTellsOnce(t *testing.T) {
	var log presenceLog
	nodes := startCluster(t, 2, host.Options{Routes: []host.Route{log.route()}, Drain: host.DrainOptions{Spread: 200 * time.Millisecond}})
	const users = 40
	for i := range users {
		read(dial(t, fmt.Sprintf("%s/rooms/a?user=u%d", nodes[0].url, i)))
	}
	eventually(t, "the other node knows all", func() bool {
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
			t.Errorf("that user %d left was told %d times", i, left)
		}
	}
}

// TestLeaveWhileApart: a user leaves two nodes while one of them has no link. When it is back, one
// of them tells.
func TestLeaveWhileApart(t *testing.T) {
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	var log presenceLog
	o := host.Options{Node: "a", Routes: []host.Route{log.route()}, Broker: host.Broker{URL: r.URL(), Required: true, TTL: time.Minute}}
	a, urlA := serveQuiet(t, o)
	o.Node, o.Broker.URL = "b", p.URL()
	b, urlB := serveQuiet(t, o)
	sockets := func(h *host.Host, want int) {
		t.Helper()
		eventually(t, "all are known", func() bool {
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
	sockets(a, 1) // of the other, as it was
	sockets(b, 1)
	p.Open()
	sockets(a, 0)
	sockets(b, 0)
	eventually(t, "it is told that the user left", func() bool { _, left := log.of("ann"); return left > 0 })
	log.fence(t, node{a, "a", urlA})
	if joins, left := log.of("ann"); joins != 1 || left != 1 {
		t.Errorf("told %d times that the user came, %d times that it left", joins, left)
	}
}
