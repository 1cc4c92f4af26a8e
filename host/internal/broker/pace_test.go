package broker

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// slowly is a link of some MB/s, and a time in which it carries some MB.
func slowLink(p *redistest.Proxy) { p.Slow(10 * time.Millisecond) }

func oneSecondTimeout(o *Options) { o.Timeout, o.TTL = time.Second, 20*time.Second }

// TestMuchWaitsForASlowLink: what waits in all rooms is more than the link carries within
// the time that an answer may take. It goes out all the same.
func TestMuchWaitsForASlowLink(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, "--appendonly", "no")
	p := redistest.StartProxy(t, r.Addr())
	a := startNode(t, "a", p.URL(), oneSecondTimeout)
	a.waitLinked()
	p.Cut(true)
	eventually(t, "a notices", func() bool { return !a.Up() })
	big := strings.Repeat("x", 10<<10)
	const rooms, each = 100, 5
	for range each {
		for i := range rooms {
			a.publishf(historyRoom(fmt.Sprint(i)), "%s", big)
		}
	}
	slowLink(p)
	p.Open()
	eventually(t, "all is sent", func() bool { return a.Stats().QueuedBytes == 0 })
	if s := a.Stats(); s.Published != rooms*each || s.Overflow > 0 {
		t.Errorf("%+v", s)
	}
}

// TestMuchMissedOverASlowLink: the same for what was missed.
func TestMuchMissedOverASlowLink(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t, "--appendonly", "no")
	p := redistest.StartProxy(t, r.Addr())
	a, b := startNode(t, "a", p.URL(), oneSecondTimeout), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	const rooms, each = 20, 25
	for i := range rooms {
		a.Subscribe(historyRoom(fmt.Sprint(i)))
	}
	for i := range rooms {
		a.waitSubscribed(historyRoom(fmt.Sprint(i)))
	}
	p.Cut(true)
	eventually(t, "a notices", func() bool { return !a.Up() })
	big := strings.Repeat("x", 10<<10)
	for k := range each {
		for i := range rooms {
			b.publishf(historyRoom(fmt.Sprint(i)), "b %d %s", k, big)
		}
	}
	eventually(t, "b has sent all", func() bool { return b.Stats().Published == rooms*each })
	slowLink(p)
	p.Open()
	eventually(t, "a is back", a.Up)
	for i := range rooms {
		got := a.texts(fmt.Sprint(i))
		for k := range got {
			got[k] = strings.TrimSuffix(got[k], " "+big)
		}
		wantSequence(t, got, "b", 0, each)
	}
	entries, _, ok, err := a.Since(t.Context(), historyRoom("0"), a.lastPosition("0").Epoch, 0)
	if len(entries) != each || !ok || err != nil {
		t.Errorf("recovered %d of %d: %v %v", len(entries), each, ok, err)
	}
}

// TestPace: a link that breaks gets less at once, and more again when it turns out to be quick.
func TestPace(t *testing.T) {
	var p batchLimit
	for range 20 {
		p.failed(errTest)
	}
	if p.bytes() != minRoundBytes {
		t.Errorf("%d bytes", p.bytes())
	}
	p.answered(10, time.Millisecond, time.Second)                // of no significance
	p.answered(minRoundBytes, 900*time.Millisecond, time.Second) // hardly in time
	if p.bytes() != minRoundBytes {
		t.Errorf("%d bytes", p.bytes())
	}
	for range 20 {
		p.answered(p.bytes(), time.Millisecond, time.Second)
	}
	if p.bytes() != maxRoundBytes {
		t.Errorf("%d bytes", p.bytes())
	}
}

// TestBatches: a batch has no gap in its numbers, and nothing that Redis has not beside
// what it may have.
func TestBatches(t *testing.T) {
	n := passiveNode(t)
	for range 6 {
		n.publishf(historyRoom("r"), "hi")
	}
	x := n.topicOf(historyRoom("r"))
	x.queue = slices.Delete(x.queue, 3, 4) // it did not fit the queue
	for _, c := range []struct {
		tried, limit, want int
	}{{0, 1 << 20, 3}, {2, 1 << 20, 2}, {3, 1 << 20, 3}, {2, 1, 1}, {0, 1, 1}} {
		x.lastSent = x.firstSeq + uint64(c.tried) - 1
		if got, size := x.nextBatch(c.limit); got != c.want || size == 0 {
			t.Errorf("%+v: %d messages, %d bytes", c, got, size)
		}
	}
}
