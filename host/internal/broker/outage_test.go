package broker

import (
	"fmt"
	"slices"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// outage is what happens to Redis, or to the connection to it, under load.
type outage struct {
	name string
	make func(t *testing.T, r *redistest.Server, p *redistest.Proxy)
}

var outages = []outage{
	{"killed", func(t *testing.T, r *redistest.Server, p *redistest.Proxy) {
		r.Kill()
		time.Sleep(300 * time.Millisecond) // the length of the outage
		r.Start()
	}},
	{"stopped", func(t *testing.T, r *redistest.Server, p *redistest.Proxy) {
		r.Signal(syscall.SIGSTOP)
		time.Sleep(1200 * time.Millisecond)
		r.Signal(syscall.SIGCONT)
	}},
	{"cut", func(t *testing.T, r *redistest.Server, p *redistest.Proxy) {
		p.Cut(true)
		time.Sleep(500 * time.Millisecond)
		p.Open()
	}},
	{"cut for a moment", func(t *testing.T, r *redistest.Server, p *redistest.Proxy) { p.Cut(false) }},
	{"slow", func(t *testing.T, r *redistest.Server, p *redistest.Proxy) {
		p.Slow(50 * time.Millisecond)
		time.Sleep(500 * time.Millisecond)
		p.Slow(0)
	}},
	{"too slow", func(t *testing.T, r *redistest.Server, p *redistest.Proxy) {
		p.Slow(700 * time.Millisecond)
		time.Sleep(1500 * time.Millisecond)
		p.Slow(0)
	}},
}

// TestOutages: two nodes publish while an outage happens. Members get the messages of their own node at once.
// With a history all members get all messages in the end, each once; without one the lost messages are
// counted exactly.
func TestOutages(t *testing.T) {
	for _, o := range outages {
		t.Run(o.name, func(t *testing.T) {
			t.Parallel()
			testOutage(t, o)
		})
	}
}

func testOutage(t *testing.T, o outage) {
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	a, b := startNode(t, "a", p.URL(), shortTimeouts), startNode(t, "b", r.URL(), shortTimeouts)
	nodes := []*node{a, b}
	plain, history := room("plain"), historyRoom("history")
	for _, n := range nodes {
		n.waitLinked()
		for _, topic := range []Topic{plain, history} {
			n.Subscribe(topic)
			n.waitSubscribed(topic)
		}
	}
	stop := publishSteadily(nodes, plain, history)
	eventually(t, "both publish", func() bool {
		return len(a.texts("history")) > 50 && len(b.texts("history")) > 50
	})
	o.make(t, r, p)
	count := len(a.texts("plain"))
	eventually(t, "a's members get something", func() bool { return len(a.texts("plain")) > count+50 })
	a.waitLinked()
	b.waitLinked()
	sent := stop()
	wantAllOfHistory(t, nodes, sent)
	wantLossesCounted(t, nodes, sent[a]+sent[b])
}

// publishSteadily publishes to both topics on each node every millisecond. stop ends it and returns the
// number of messages that each node published to each topic.
func publishSteadily(nodes []*node, plain, history Topic) (stop func() map[*node]int) {
	done := make(chan struct{})
	sent := map[*node]int{}
	var wait sync.WaitGroup
	var mu sync.Mutex
	for _, n := range nodes {
		wait.Go(func() {
			tick := time.NewTicker(time.Millisecond)
			defer tick.Stop()
			for k := 0; ; k++ {
				select {
				case <-done:
					mu.Lock()
					sent[n] = k
					mu.Unlock()
					return
				case <-tick.C:
					n.publishf(plain, "%s %d", n.name, k)
					n.publishf(history, "%s %d", n.name, k)
				}
			}
		})
	}
	return func() map[*node]int {
		close(done)
		wait.Wait()
		return sent
	}
}

// wantAllOfHistory fails unless all nodes get all messages of the room with a history, each once.
func wantAllOfHistory(t *testing.T, nodes []*node, sent map[*node]int) {
	t.Helper()
	total := 0
	for _, n := range nodes {
		total += sent[n]
	}
	for _, n := range nodes {
		eventually(t, n.name+" has all of the history", func() bool { return len(n.texts("history")) >= total })
	}
	for _, n := range nodes {
		got := n.texts("history")
		for _, from := range nodes {
			wantSequence(t, fromSender(got, from.name), from.name, 0, sent[from])
		}
		if len(got) != total {
			t.Errorf("%s has %d of %d messages", n.name, len(got), total)
		}
	}
}

// wantLossesCounted fails unless the messages that members of the room without a history did not get are
// those that the nodes counted.
func wantLossesCounted(t *testing.T, nodes []*node, total int) {
	t.Helper()
	lost, counted := 0, 0
	for _, n := range nodes {
		eventually(t, "the queue is empty", func() bool { return n.Stats().QueuedBytes == 0 })
		got := n.texts("plain")
		if dup := len(got) - len(slices.Compact(slices.Sorted(slices.Values(got)))); dup > 0 {
			t.Errorf("%s has %d messages twice", n.name, dup)
		}
		lost += total - len(got)
	}
	for _, n := range nodes {
		s := n.Stats()
		counted += int(s.Missed + s.Unsent)
		if s.Overflow > 0 {
			t.Errorf("%s: %+v", n.name, s)
		}
	}
	if lost != counted {
		t.Errorf("%d messages were lost, %d counted (a %+v, b %+v)", lost, counted, nodes[0].Stats(), nodes[1].Stats())
	}
	t.Logf("sent %d, lost %d of those without a history", total, lost)
}

// fromSender returns the messages of one sender.
func fromSender(got []string, sender string) (out []string) {
	for _, text := range got {
		var k int
		if n, _ := fmt.Sscanf(text, sender+" %d", &k); n == 1 {
			out = append(out, text)
		}
	}
	return out
}

// TestRedisLosesMessages: Redis comes back without the last messages that it accepted. The offsets that it gives
// again are of another epoch, so nobody takes the messages for old ones.
func TestRedisLosesMessages(t *testing.T) {
	r := redistest.Start(t, "--appendonly", "no")
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	topic := historyRoom("x")
	for _, n := range []*node{a, b} {
		n.waitLinked()
		n.Subscribe(topic)
		n.waitSubscribed(topic)
	}
	a.publishf(topic, "a 0")
	eventually(t, "b has one", func() bool { return len(b.texts("x")) == 1 })
	c := r.Client()
	if err := c.Do(t.Context(), c.B().Save().Build()).Error(); err != nil {
		t.Fatal(err)
	}
	a.publishf(topic, "a 1")
	a.publishf(topic, "a 2")
	eventually(t, "b has three", func() bool { return len(b.texts("x")) == 3 })
	was := b.lastPosition("x")
	r.Kill()
	eventually(t, "a and b notice", func() bool { return !a.Up() && !b.Up() })
	r.Start()
	a.waitLinked()
	b.waitLinked()
	a.publishf(topic, "a 3")
	for _, n := range []*node{a, b} {
		eventually(t, n.name+" has four", func() bool { return len(n.texts("x")) == 4 })
		wantSequence(t, n.texts("x"), "a", 0, 4)
		if at := n.lastPosition("x"); at.Epoch == was.Epoch || at.Offset != 2 {
			t.Errorf("%s is at %+v, and was at %+v", n.name, at, was)
		}
	}
	if _, _, ok, err := b.Since(t.Context(), topic, was.Epoch, was.Offset); ok || err != nil {
		t.Error("recovered over lost messages:", ok, err)
	}
	if a.lastPosition("x") != b.lastPosition("x") {
		t.Errorf("a is at %+v, b at %+v", a.lastPosition("x"), b.lastPosition("x"))
	}
}
