package broker

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// TestBatchLimit: the limit falls when round trips fail and rises when large ones are quick.
func TestBatchLimit(t *testing.T) {
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

// slowLink makes a proxy carry some MB/s.
func slowLink(p *redistest.Proxy) { p.Slow(10 * time.Millisecond) }

// oneSecondTimeout is a time in which a slow link carries some MB.
func oneSecondTimeout(o *Options) { o.Timeout, o.TTL = time.Second, 20*time.Second }

// TestLargeQueueOverASlowLink: a queue that a slow link cannot carry within the timeout is sent all the same.
func TestLargeQueueOverASlowLink(t *testing.T) {
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

// TestLargeHistoryOverASlowLink: the same for missed messages.
func TestLargeHistoryOverASlowLink(t *testing.T) {
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
