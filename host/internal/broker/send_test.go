package broker

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestRoundSkipsIdleTopics: topics with nothing to send do not delay those behind them.
func TestRoundSkipsIdleTopics(t *testing.T) {
	n := passiveNode(t)
	for i := range 3 * maxRoundTopics {
		n.Subscribe(room(fmt.Sprint(i)))
	}
	n.confirmSubscriptions(Position{"e", 1})
	n.Broker.mu.Lock()
	for _, tp := range n.topics {
		n.makeReady(tp)
	}
	n.Broker.mu.Unlock()
	for n.sendRound() {
	}
	if left := len(n.ready); left > 0 {
		t.Errorf("%d topics are still ready", left)
	}
}

// TestNextBatch: a batch has no gap in its sequence numbers, and does not mix messages that Redis may have
// with messages that it cannot have.
func TestNextBatch(t *testing.T) {
	n := passiveNode(t)
	for range 6 {
		n.publishf(historyRoom("r"), "hi")
	}
	tp := n.topicOf(historyRoom("r"))
	tp.queue = slices.Delete(tp.queue, 3, 4) // it exceeded the limit of the queue
	for _, c := range []struct {
		lastSent, limit, want int
	}{{0, 1 << 20, 3}, {2, 1 << 20, 2}, {3, 1 << 20, 3}, {2, 1, 1}, {0, 1, 1}} {
		tp.lastSent = tp.firstSeq + uint64(c.lastSent) - 1
		if got, size := tp.nextBatch(c.limit); got != c.want || size == 0 {
			t.Errorf("%+v: %d messages, %d bytes", c, got, size)
		}
	}
}

// TestRefusedAfterAccepted: an accepted message that comes back after Redis refused the next one is
// delivered once.
func TestRefusedAfterAccepted(t *testing.T) {
	n := passiveNode(t)
	n.Subscribe(room("r"))
	n.confirmSubscriptions(Position{"e", 1})
	n.publishf(room("r"), "accepted")
	n.publishf(room("r"), "refused")
	tp := n.topicOf(room("r"))
	sent := slices.Clone(tp.queue)
	tp.accepted, tp.inFlight = 1, 1
	n.deliverRefused(tp)
	n.receiveOwn(tp, Position{"e", 2}, sent[0])
	if got := n.texts("r"); !slices.Equal(got, []string{"accepted", "refused"}) {
		t.Errorf("got %q", got)
	}
	if len(tp.deliveredLocally) > 0 || n.Stats().QueuedBytes > 0 {
		t.Errorf("delivered %v, %d bytes", tp.deliveredLocally, n.Stats().QueuedBytes)
	}
}

// TestUnusedTopicsAreRemoved: topics without members are removed whatever becomes of their messages.
func TestUnusedTopicsAreRemoved(t *testing.T) {
	t.Run("broken", func(t *testing.T) {
		n := passiveNode(t)
		n.publishf(room("r"), "hi")
		n.linkDown(errTest)
		n.up.Store(true)
		for n.sendRound() {
		}
		if got := n.Stats().Topics; got > 0 {
			t.Errorf("%d topics", got)
		}
	})
	t.Run("overflow", func(t *testing.T) {
		n := passiveNode(t, func(o *Options) { o.MaxQueue = 1 })
		n.publishf(room("r"), "hi")
		for n.sendRound() {
		}
		if got := n.Stats().Topics; got > 0 {
			t.Errorf("%d topics", got)
		}
	})
}

// TestOneOrder: three nodes publish to 20 rooms at once. All receive all messages in one order.
func TestOneOrder(t *testing.T) {
	r := redistest.Start(t)
	var nodes []*node
	for i := range 3 {
		nodes = append(nodes, startNode(t, fmt.Sprintf("n%d", i), r.URL()))
	}
	const rooms, each = 20, 50
	for _, n := range nodes { // the link is not up yet: later messages have to arrive all the same
		for i := range rooms {
			n.Subscribe(room(fmt.Sprint(i)))
		}
	}
	for _, n := range nodes {
		n.waitLinked()
	}
	var wait sync.WaitGroup
	for _, n := range nodes {
		for i := range rooms {
			wait.Go(func() {
				for k := range each {
					n.publishf(room(fmt.Sprint(i)), "%s %d", n.name, k)
				}
			})
		}
	}
	wait.Wait()
	for i := range rooms {
		name := fmt.Sprint(i)
		for _, n := range nodes {
			eventually(t, n.name+" has all of "+name, func() bool { return len(n.texts(name)) >= 3*each })
		}
		all := nodes[0].texts(name)
		for _, n := range nodes {
			if !slices.Equal(n.texts(name), all) {
				t.Fatalf("room %s: %s has another order", name, n.name)
			}
			wantSequence(t, all, n.name, 0, each)
		}
	}
	for _, n := range nodes {
		if s := n.Stats(); s.Missed+s.Unsent+s.Overflow+s.Resets > 0 || s.Nodes != 3 {
			t.Errorf("%s: %+v", n.name, s)
		}
	}
}

// wantSequence fails unless the messages of a sender are those from a number up to another, each once and in
// order.
func wantSequence(t *testing.T, got []string, sender string, from, to int) {
	t.Helper()
	next := from
	for _, text := range got {
		if !strings.HasPrefix(text, sender+" ") {
			continue
		}
		if text != fmt.Sprintf("%s %d", sender, next) {
			t.Errorf("got %q, want %d", text, next)
			return
		}
		next++
	}
	if next != to {
		t.Errorf("%s: %d messages, want %d", sender, next, to)
	}
}
