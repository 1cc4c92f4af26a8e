//go:build unix

package host_test

import (
	"fmt"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
	"github.com/azuhost/azuhost/internal/race"
	"github.com/coder/websocket"
)

// TestNodes checks nodes that are processes of their own, over a real Redis.
func TestNodes(t *testing.T) {
	_ = redistest.Start(t) // skips the test if Redis is not installed
	bin := buildAzuhost(t)
	for _, x := range []struct {
		name string
		run  func(t *testing.T, bin string)
	}{
		{"one order", testOneOrder},
		{"killed", testNodeKilled},
		{"drained", testNodeDrained},
		{"Redis stopped", testLinkTrouble(func(_ *testing.T, r *redistest.Server, _ *redistest.Proxy, degraded func()) {
			r.Kill()
			degraded()
			r.Start()
		})},
		{"Redis paused", testLinkTrouble(func(_ *testing.T, r *redistest.Server, _ *redistest.Proxy, degraded func()) {
			r.Signal(syscall.SIGSTOP)
			degraded()
			r.Signal(syscall.SIGCONT)
		})},
		{"Redis cut", testLinkTrouble(func(_ *testing.T, _ *redistest.Server, p *redistest.Proxy, degraded func()) {
			p.Cut(true)
			degraded()
			p.Open()
		})},
		{"Redis slow", testLinkTrouble(func(_ *testing.T, _ *redistest.Server, p *redistest.Proxy, degraded func()) {
			p.Slow(700 * time.Millisecond) // more than broker.timeout
			degraded()
			p.Slow(0)
		})},
		{"Redis required", testRequired},
	} {
		t.Run(x.name, func(t *testing.T) {
			t.Parallel()
			x.run(t, bin)
		})
	}
}

// testOneOrder checks that all members of a room receive the same messages in the same order, on three nodes. 100 rooms
// have 10 members each.
func testOneOrder(t *testing.T, bin string) {
	r := redistest.Start(t)
	nodes := startProcesses(t, bin, calm, r.URL(), r.URL(), r.URL())
	const rooms, each, messages = 100, 10, 3
	var members [rooms][]*listener
	for i := range rooms {
		for m := range each {
			members[i] = append(members[i], listen(t, nodes[m%3].url+"/plain", fmt.Sprintf("join %d", i)))
		}
	}
	for _, n := range nodes {
		for i := range rooms {
			eventually(t, "all members are counted", func() bool { return n.sockets("/plain", fmt.Sprint(i)) == each })
		}
	}
	var writers []*websocket.Conn
	for _, n := range nodes {
		writers = append(writers, dial(t, n.url+"/plain"))
	}
	for k := range messages {
		for i := range rooms {
			for w, c := range writers {
				send(t, c, fmt.Sprintf("broadcast %d|%d/%d", i, w, k))
			}
		}
	}
	for i := range rooms {
		for m, l := range members[i] {
			eventually(t, fmt.Sprintf("member %d of room %d has all", m, i), func() bool {
				return len(l.texts()) >= 3*messages
			})
			if got := l.texts(); !slices.Equal(got, members[i][0].texts()) {
				t.Fatalf("room %d: member %d has another order:\n%v\n%v", i, m, got, members[i][0].texts())
			}
		}
		sorted := slices.Sorted(slices.Values(members[i][0].texts()))
		if len(sorted) != 3*messages || len(slices.Compact(sorted)) != 3*messages {
			t.Errorf("room %d: %v", i, sorted)
		}
	}
}

// testNodeKilled kills one of two nodes under load. It checks that the users of the node leave within the TTL, and that
// its clients recover on the other node.
func testNodeKilled(t *testing.T, bin string) {
	r := redistest.Start(t)
	nodes := startProcesses(t, bin, mortal, r.URL(), r.URL())
	a, b := nodes[0], nodes[1]
	const rooms = 10
	var ofB, moved []*follower // connected to b from the start, and to a until it ends
	var writers []*writer
	for i := range rooms {
		room := fmt.Sprintf("r%d", i)
		ofB = append(ofB, follow(t, room, b.url+"/kept"))
		moved = append(moved, follow(t, room, a.url+"/kept", b.url+"/kept"))
		for _, n := range nodes {
			writers = append(writers, startWriter(t, n.name+"-"+room, 4*time.Millisecond, room, n.url+"/kept"))
		}
	}
	plain := listen(t, b.url+"/plain", "identify bob;join r")
	_ = listen(t, a.url+"/plain", "identify ann;join r")
	eventually(t, "b knows of ann", func() bool { return b.users("/plain", "r") == "ann bob" })
	for i := range rooms {
		eventually(t, "messages flow", func() bool {
			return len(ofB[i].texts()) > 50 && len(moved[i].texts()) > 50
		})
	}
	start := time.Now()
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	eventually(t, "ann has left", func() bool { return b.users("/plain", "r") == "bob" })
	took := time.Since(start)
	t.Logf("the users of a killed node left after %v, the TTL is 3 s", took.Round(time.Millisecond))
	if took > 3*time.Second && !race.Enabled {
		t.Errorf("the users of a killed node left after %v, more than the TTL", took)
	}
	for i := range rooms {
		eventually(t, "the clients of a are at b", func() bool {
			moved[i].mu.Lock()
			defer moved[i].mu.Unlock()
			return moved[i].connects >= 2 && !moved[i].recovering
		})
	}
	for _, w := range writers {
		w.end()
	}
	for i := range rooms {
		sent := writers[2*i+1]
		last := fmt.Sprintf("%s %d", sent.name, sent.sent-1)
		for _, f := range []*follower{ofB[i], moved[i]} {
			eventually(t, "all have the last", func() bool { return slices.Contains(f.texts(), last) })
			wantSender(t, f.texts(), sent.name, sent.sent, sent.sent)
			wantSender(t, f.texts(), writers[2*i].name, 0, writers[2*i].sent+1)
		}
		if !slices.Equal(ofB[i].texts(), moved[i].texts()) {
			t.Errorf("room %d: the clients of a and of b have different messages", i)
		}
		ofB[i].wantNoFaults(1)
		moved[i].wantNoFaults(2)
	}
	if err := plain.ended(); err != nil {
		t.Errorf("a plain member of b: %v", err)
	}
}

// wantSender expects the messages of one sender in order, from number 0, once each, and that their number is between
// least and most.
func wantSender(t *testing.T, got []string, sender string, least, most int) {
	t.Helper()
	n := 0
	for _, text := range got {
		if strings.HasPrefix(text, sender+" ") {
			if text != fmt.Sprintf("%s %d", sender, n) {
				t.Errorf("got %q, want number %d", text, n)
				return
			}
			n++
		}
	}
	if n < least || n > most {
		t.Errorf("%d messages of %s, want %d to %d", n, sender, least, most)
	}
}

// testNodeDrained stops one of two nodes with SIGTERM under load. It checks that no acknowledged message is lost.
func testNodeDrained(t *testing.T, bin string) {
	r := redistest.Start(t)
	nodes := startProcesses(t, bin, calm, r.URL(), r.URL())
	a, b := nodes[0], nodes[1]
	const rooms = 10
	var followers [rooms][2]*follower
	var writers [rooms][2]*writer
	for i := range rooms {
		room := fmt.Sprintf("r%d", i)
		followers[i] = [2]*follower{follow(t, room, b.url+"/kept"), follow(t, room, a.url+"/kept", b.url+"/kept")}
		for n, p := range nodes {
			writers[i][n] = startWriter(t, p.name+"-"+room, 4*time.Millisecond, room, p.url+"/kept")
		}
	}
	for i := range rooms {
		eventually(t, "messages flow", func() bool {
			return len(followers[i][0].texts()) > 50 && len(followers[i][1].texts()) > 50
		})
	}
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := a.ends(20 * time.Second); err != nil {
		t.Errorf("a ended with %v", err)
	}
	if b.metric("azuhost_broker_nodes") != 1 {
		t.Error("a did not leave the cluster")
	}
	for i := range rooms {
		writers[i][0].end()
		count := len(followers[i][1].texts())
		eventually(t, "messages go on", func() bool { return len(followers[i][1].texts()) > count+5 })
		writers[i][1].end()
		last := fmt.Sprintf("%s %d", writers[i][1].name, writers[i][1].sent-1)
		for n, f := range followers[i] {
			eventually(t, "all have the last", func() bool { return slices.Contains(f.texts(), last) })
			wantSender(t, f.texts(), writers[i][1].name, writers[i][1].sent, writers[i][1].sent)
			wantSender(t, f.texts(), writers[i][0].name, writers[i][0].sent, writers[i][0].sent+1)
			f.wantNoFaults(1 + n)
		}
		if !slices.Equal(followers[i][0].texts(), followers[i][1].texts()) {
			t.Errorf("room %d: the clients have different messages", i)
		}
	}
}

// testLinkTrouble returns a test that disturbs the link of node a to Redis, and perhaps that of node b. It checks that
// local messages are delivered meanwhile, that messages with a history are all recovered, and that lost messages
// without a history are counted. trouble calls degraded to wait until a reports the disturbance.
func testLinkTrouble(
	trouble func(t *testing.T, r *redistest.Server, p *redistest.Proxy, degraded func()),
) func(t *testing.T, bin string) {
	return func(t *testing.T, bin string) {
		r := redistest.Start(t)
		p := redistest.StartProxy(t, r.Addr())
		nodes := startProcesses(t, bin, brisk, p.URL(), r.URL())
		a := nodes[0]
		var kept []*follower
		var plain []*listener
		var writers []*writer
		for _, n := range nodes {
			kept = append(kept, follow(t, "r", n.url+"/kept"))
			plain = append(plain, listen(t, n.url+"/plain", "join r"))
		}
		for _, n := range nodes {
			eventually(t, "all members are counted", func() bool {
				return n.sockets("/plain", "r") == 2 && n.sockets("/kept", "r") == 2
			})
		}
		for _, n := range nodes {
			writers = append(writers, startWriter(t, n.name, 2*time.Millisecond, "r", n.url+"/kept", n.url+"/plain"))
		}
		eventually(t, "messages flow", func() bool {
			return len(plain[0].texts()) > 50 && len(plain[1].texts()) > 50
		})
		trouble(t, r, p, func() {
			t.Helper()
			eventually(t, "a is degraded", func() bool { return a.degraded() })
			count := len(plain[0].texts())
			eventually(t, "members of a get messages of a", func() bool { return len(plain[0].texts()) > count+50 })
		})
		for _, n := range nodes {
			eventually(t, n.name+" has its link again", func() bool { return !n.degraded() })
			eventually(t, "all know each other", func() bool { return n.metric("azuhost_broker_nodes") == 2 })
		}
		total := 0
		for _, w := range writers {
			w.end()
			total += w.sent
		}
		for _, f := range kept {
			eventually(t, fmt.Sprintf("all %d messages of the history are recovered", total), func() bool {
				return len(f.texts()) >= total
			})
		}
		for _, n := range nodes {
			eventually(t, "the queue is empty", func() bool { return n.metric("azuhost_broker_queue_bytes") == 0 })
		}
		for _, f := range kept {
			for _, w := range writers {
				wantSender(t, f.texts(), w.name, w.sent, w.sent)
			}
			f.wantNoFaults(1)
		}
		lost := func() (n int) {
			for _, l := range plain {
				n += total - len(l.texts())
			}
			return n
		}
		counted := 0
		for _, n := range nodes {
			counted += n.metric("azuhost_broker_unsent_messages_total")
			counted += n.metric("azuhost_broker_missed_messages_total")
		}
		eventually(t, "lost messages are counted", func() bool { return lost() <= counted })
		if lost() != counted {
			t.Errorf("%d messages without a history were lost, %d are counted", lost(), counted)
		}
		for _, l := range plain {
			if got := slices.Sorted(slices.Values(l.texts())); len(slices.Compact(got)) != len(l.texts()) {
				t.Error("messages were received twice")
			}
		}
		t.Logf("%d messages; %d without a history were lost, and are counted", total, lost())
	}
}

// testRequired checks that a node that requires Redis does not start without it, and that another one starts and joins
// when Redis is back.
func testRequired(t *testing.T, bin string) {
	r := redistest.Start(t, "--requirepass", "opensesame")
	p := redistest.StartProxy(t, r.Addr())
	p.Cut(true)
	needs := launch(t, bin, "needs", p.URL(), ", required: true")
	alone := startProcess(t, bin, "alone", strings.Replace(p.URL(), "redis://", "redis://:opensesame@", 1), "")
	if !alone.degraded() {
		t.Error("not degraded without Redis")
	}
	p.Open()
	eventually(t, "the node joins", func() bool { return !alone.degraded() })
	p.Cut(true)
	if err := needs.ends(20 * time.Second); err == nil {
		t.Error("a node without the Redis that it requires ended without an error")
	}
	for _, x := range []struct{ url, want string }{
		{"redis://:secretwrong@" + r.Addr(), "broker.url"},
		{r.URL(), "broker.url"},
	} {
		start := time.Now()
		wrong := launch(t, bin, "wrong", x.url, ", required: true")
		if err := wrong.ends(20 * time.Second); err == nil {
			t.Error("a node with a wrong password ended without an error")
		}
		log := wrong.log.String()
		if !strings.Contains(log, x.want) || strings.Contains(log, "secretwrong") || time.Since(start) > 8*time.Second {
			t.Errorf("after %v: %s", time.Since(start), log)
		}
	}
}
