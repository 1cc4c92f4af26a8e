package host_test

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/internal/redistest"
	"github.com/coder/websocket"
)

// node is a host of a cluster, with its name and its ws:// address.
type node struct {
	*host.Host
	name, url string
}

// startCluster starts n hosts with the same routes, and waits until they know each other.
func startCluster(t testing.TB, n int, o host.Options) (nodes []node) {
	t.Helper()
	if o.Broker.URL == "" {
		o.Broker.URL = redistest.Start(t).URL()
	}
	o.Broker.Required = true
	// The timeouts are long, so that a busy machine loses neither the link nor a node.
	o.Broker.TTL, o.Broker.Timeout = 20*time.Second, 10*time.Second
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
		if testing.Verbose() {
			o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
		}
	}
	for i := range n {
		o.Node = fmt.Sprintf("n%d", i)
		h, url := serve(t, o)
		nodes = append(nodes, node{h, o.Node, url})
	}
	for _, x := range nodes {
		wantMetric(t, x.Host, "azuhost_broker_nodes", float64(n))
	}
	return nodes
}

// brokerMetrics returns the metrics of the broker, a line each.
func brokerMetrics(t testing.TB, h *host.Host) (lines []string) {
	for line := range strings.Lines(metricsOf(t, h)) {
		if strings.HasPrefix(line, "azuhost_broker") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	return lines
}

// TestCluster checks that every member of a room receives every message once, in the same order as the others. 100
// rooms have 9 members each, on three nodes, and every member sends.
func TestCluster(t *testing.T) {
	nodes := startCluster(t, 3, host.Options{Routes: []host.Route{historyRoute()}})
	const rooms, each, messages = 100, 9, 3
	got := make([][][]string, rooms)
	conns := make([][]*websocket.Conn, rooms)
	var wait sync.WaitGroup
	failed := make(chan error, 2*rooms*each)
	for r := range rooms {
		for m := range each {
			conns[r] = append(conns[r], dial(t, fmt.Sprintf("%s/rooms/%d", nodes[m%3].url, r)))
		}
	}
	// Members receive the messages of nodes that count them.
	for _, n := range nodes {
		for r := range rooms {
			eventually(t, "all members are counted", func() bool {
				room, _ := n.Room(testContext(t), "/rooms/:room", strconv.Itoa(r))
				return room.Sockets == each
			})
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	for r := range rooms {
		got[r] = make([][]string, each)
		for m, c := range conns[r] {
			wait.Go(func() {
				for range each * messages {
					_, b, err := c.Read(ctx)
					if err != nil {
						failed <- fmt.Errorf("member %d of room %d has %d of %d messages: %w",
							m, r, len(got[r][m]), each*messages, err)
						return
					}
					got[r][m] = append(got[r][m], string(b))
				}
			})
			wait.Go(func() {
				for k := range messages {
					if err := c.Write(ctx, websocket.MessageText, fmt.Appendf(nil, "%d/%d", m, k)); err != nil {
						failed <- err
						return
					}
				}
			})
		}
	}
	wait.Wait()
	close(failed)
	for err := range failed {
		t.Error(err)
	}
	if t.Failed() {
		for _, n := range nodes {
			t.Log(brokerMetrics(t, n.Host))
		}
		t.FailNow()
	}
	for r := range rooms {
		for m := range each {
			if !slices.Equal(got[r][m], got[r][0]) {
				t.Fatalf("room %d: member %d saw another order than member 0:\n%v\n%v", r, m, got[r][m], got[r][0])
			}
		}
		sorted := slices.Sorted(slices.Values(got[r][0]))
		if len(slices.Compact(sorted)) != each*messages {
			t.Fatalf("room %d: %v", r, got[r][0])
		}
	}
}

// TestClusterAnswers checks that publications, queries and disconnects on one node cover all nodes.
func TestClusterAnswers(t *testing.T) {
	nodes := startCluster(t, 2, host.Options{Routes: []host.Route{
		historyRoute(), {Path: "/c", PresenceGrace: -1, Channel: scriptInGo()},
	}})
	a, b := nodes[0], nodes[1]
	ctx := testContext(t)
	ann := dialDo(t, a.url+"/c", "identify ann;join r;send in")
	want(t, ann, "in")
	bob := dialDo(t, b.url+"/c", "identify bob;join r;send in")
	want(t, bob, "in")
	eventually(t, "a knows of bob", func() bool {
		on, _ := a.Online(ctx, "/c", "bob")
		room, _ := a.Room(ctx, "/c", "r")
		return on && room == host.RoomInfo{Name: "r", Sockets: 2, Users: 2}
	})
	eventually(t, "b knows of ann", func() bool {
		users, err := b.Presence(ctx, "/c", "r")
		return err == nil && slices.Equal(users, []string{"ann", "bob"})
	})
	for _, c := range []struct {
		p    host.Publication
		want host.Delivery
	}{
		{host.Publication{Route: "/c", Room: "r", Data: []byte("1")}, host.Delivery{Sockets: 2, Nodes: 2}},
		{
			host.Publication{Route: "/c", Users: []string{"ann", "bob", "eve"}, Data: []byte("2")},
			host.Delivery{Sockets: 2, Nodes: 2},
		},
		{host.Publication{Route: "/c", All: true, Data: []byte("3")}, host.Delivery{Sockets: 2, Nodes: 2}},
		{host.Publication{Route: "/c", Room: "none", Data: []byte("4")}, host.Delivery{}},
	} {
		if d, err := a.Publish(ctx, c.p); err != nil || d != c.want {
			t.Errorf("%+v: %+v %v", c.p, d, err)
		}
	}
	for _, c := range []*websocket.Conn{ann, bob} {
		for _, text := range []string{"1", "2", "3"} {
			want(t, c, text)
		}
	}
	conns, err := b.Connections(ctx, "/c", "", 0)
	if err != nil || len(conns) != 1 || !strings.HasPrefix(conns[0].ID, "n1.") {
		t.Fatal(conns, err)
	}
	disconnect := func(n node, d host.Disconnection) {
		t.Helper()
		if d, err := n.Disconnect(ctx, d); err != nil || d.Sockets != 1 {
			t.Error(d, err)
		}
	}
	disconnect(a, host.Disconnection{Conn: conns[0].ID, Code: 4001, Reason: "moved"})
	wantClose(t, bob, 4001, "moved")
	disconnect(b, host.Disconnection{Route: "/c", User: "ann", Code: 4002})
	wantClose(t, ann, 4002, "")
	eventually(t, "nobody is connected", func() bool {
		on, _ := a.Online(ctx, "/c", "bob")
		room, _ := b.Room(ctx, "/c", "r")
		return !on && room.Sockets == 0
	})
}

// TestClusterRecovery checks that a client that moves to another node recovers the messages that it missed.
func TestClusterRecovery(t *testing.T) { testClusterRecovery(t, "") }

// TestOverRedisCluster checks recovery and a shared store with a Redis cluster.
func TestOverRedisCluster(t *testing.T) {
	r := redistest.StartCluster(t, 3, false)
	testClusterRecovery(t, r.URL())
	nodes := startCluster(t, 2, host.Options{
		Broker: host.Broker{URL: r.URL(), Prefix: "store"},
		Routes: []host.Route{{Path: "/c", Plugin: scriptGuest, Store: host.StoreShared}},
	})
	do(t, dial(t, nodes[0].url+"/c"), "store_set k|of n0;send done", "done")
	do(t, dial(t, nodes[1].url+"/c"), "store_get k", "of n0")
}

func testClusterRecovery(t *testing.T, redis string) {
	route := historyRoute()
	route.History.Size = 1000
	nodes := startCluster(t, 2, host.Options{Broker: host.Broker{URL: redis}, Routes: []host.Route{route}})
	c, hello := dialV1(t, nodes[0].url+"/rooms/a")
	joined := wantControl(t, c, "joined")
	publish := func(n node, text string) {
		t.Helper()
		p := host.Publication{Route: "/rooms/:room", Room: "a", Data: []byte(text)}
		if _, err := n.Publish(testContext(t), p); err != nil {
			t.Fatal(err)
		}
	}
	publish(nodes[1], "1")
	if p := wantControl(t, c, "position"); p.Offset != joined.Offset+1 {
		t.Errorf("%+v after %+v", p, joined)
	}
	want(t, c, "1")
	send(t, c, "others: 2")
	if p := wantControl(t, c, "position"); !p.Skip {
		t.Errorf("%+v", p)
	}
	_ = c.CloseNow()
	publish(nodes[0], "3")
	publish(nodes[1], "4")
	c, _ = dialV1(t, nodes[1].url+"/rooms/a")
	if j := wantControl(t, c, "joined"); j.Epoch != joined.Epoch || j.Offset != joined.Offset+4 {
		t.Errorf("joined %+v, before %+v", j, joined)
	}
	request(t, c, `{"type":"recover","id":1,"room":"a","epoch":%q,"offset":%d,"conn":%q}`,
		joined.Epoch, joined.Offset+1, hello.Conn)
	if r := wantControl(t, c, "recovered"); !r.Recovered || r.Count != 3 {
		t.Fatalf("%+v", r)
	}
	if p := wantControl(t, c, "position"); !p.Skip { // the message to others
		t.Errorf("%+v", p)
	}
	for _, text := range []string{"3", "4"} {
		wantControl(t, c, "position")
		want(t, c, text)
	}
}

// TestClusterIsOptional checks that a host that does not require Redis serves without it, and reports that it is
// degraded.
func TestClusterIsOptional(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ln.Close()
	o := host.Options{
		Log: slog.New(slog.DiscardHandler), Routes: []host.Route{historyRoute()},
		Broker: host.Broker{URL: "redis://" + ln.Addr().String()},
	}
	h, url := serve(t, o)
	c := dial(t, url+"/rooms/a")
	do(t, c, "alone", "alone")
	wantMetric(t, h, "azuhost_broker_connected", 0)
	if status, body := internal(t, h, "/readyz"); status != 200 || !strings.Contains(body, "degraded") {
		t.Errorf("readyz: %d %s", status, body)
	}
	d, err := h.Publish(context.Background(), host.Publication{Route: "/rooms/:room", Room: "a", Data: []byte("x")})
	if err != nil || d.Sockets != 1 || !d.Partial {
		t.Errorf("%+v %v", d, err)
	}
}

// TestClusterRouteEnds checks that a node that stops serving a route leaves no users in their grace on other nodes, and
// no subscriptions.
func TestClusterRouteEnds(t *testing.T) {
	route := historyRoute()
	route.PresenceGrace = time.Hour
	other := host.Route{Path: "/other", Channel: scriptInGo()}
	all := host.Options{Routes: []host.Route{route, other}, Broker: host.Broker{URL: redistest.Start(t).URL()}}
	nodes := startCluster(t, 2, all)
	a, b := nodes[0], nodes[1]
	c := dial(t, a.url+"/rooms/a?user=ann")
	online := func() bool {
		on, _ := b.Online(testContext(t), "/rooms/:room", "ann")
		return on
	}
	eventually(t, "b knows of ann", online)
	o := host.Options{
		Node: a.name, Log: slog.New(slog.DiscardHandler), Routes: []host.Route{other}, Broker: all.Broker,
	}
	o.Broker.Required, o.Broker.TTL, o.Broker.Timeout = true, 20*time.Second, 10*time.Second
	if err := a.Reload(testContext(t), o); err != nil {
		t.Fatal(err)
	}
	_, _, _ = c.Read(testContext(t))
	eventually(t, "ann has left b", func() bool {
		r, err := b.Room(testContext(t), "/rooms/:room", "a")
		return err == nil && r.Sockets == 0 && r.Users == 0 && !online()
	})
	wantMetric(t, a.Host, "azuhost_broker_topics", 1) // of the other route
}

// TestConnIDsAfterRestart checks that a node that restarts under its name does not reuse the ids of its connections,
// because histories may contain them.
func TestConnIDsAfterRestart(t *testing.T) {
	o := host.Options{
		Node: "n", Log: slog.New(slog.DiscardHandler), Routes: []host.Route{historyRoute()},
		Broker: host.Broker{URL: redistest.Start(t).URL(), Required: true},
	}
	seen := map[string]bool{}
	for range 2 {
		h, url := serve(t, o)
		c, hello := dialV1(t, url+"/rooms/a")
		if seen[hello.Conn] {
			t.Errorf("the id %s is used twice", hello.Conn)
		}
		seen[hello.Conn] = true
		_ = c.CloseNow()
		_ = h.Close(testContext(t))
	}
}
