package hostile

import (
	"bytes"
	"fmt"
	"slices"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azuhost/azuhost/internal/wstest"
)

const (
	bystanderCount    = 3
	bystanderInterval = 2 * time.Millisecond // between the messages of one bystander
)

// bystanders are the members of a room on another plugin than the hostile one. They send all the time and measure how
// long it takes until their messages come back from the room.
//
// Each bystander sends on a schedule that does not depend on answers: a message carries the time at which it was due,
// and its round trip counts from then. A host that stands still for a second thus makes as many late samples as a
// second has messages, and not one (coordinated omission). Late timers and readers of the test count as well, with
// and without an attack.
type bystanders struct {
	t       *testing.T
	epoch   time.Time
	stop    atomic.Bool // each bystander sends its last message
	over    atomic.Bool // the test is over: errors do not count
	wait    sync.WaitGroup
	members []*bystander
}

type bystander struct {
	*wstest.Conn
	all            *bystanders
	id             int
	sent, received atomic.Int64 // own messages

	mu      sync.Mutex
	samples []sample
}

// sample is a round trip.
type sample struct {
	due  time.Duration // since the epoch
	took time.Duration
}

func newBystanders(t *testing.T, url, path string) *bystanders {
	t.Helper()
	b := &bystanders{t: t, epoch: time.Now()}
	for id := range bystanderCount {
		b.members = append(b.members, &bystander{Conn: dial(t, url, path), all: b, id: id})
	}
	for _, m := range b.members {
		b.wait.Go(m.send)
		b.wait.Go(m.receive)
	}
	t.Cleanup(func() { // also after a test that has failed half-way
		b.over.Store(true)
		b.stop.Store(true)
		for _, m := range b.members {
			_ = m.Close()
		}
		b.wait.Wait()
	})
	return b
}

// send sends on schedule, and "end" as the last message.
func (m *bystander) send() {
	due := time.Since(m.all.epoch) + time.Duration(m.id)*bystanderInterval/bystanderCount
	for !m.all.stop.Load() {
		time.Sleep(due - time.Since(m.all.epoch))
		m.sent.Add(1)
		if err := m.WriteText(fmt.Sprintf("%d:%d", m.id, int64(due))); err != nil {
			m.failed("send", err)
			return
		}
		due += bystanderInterval
	}
	if err := m.WriteText("end"); err != nil {
		m.failed("send", err)
	}
}

// receive reads until every bystander has sent "end".
func (m *bystander) receive() {
	own := []byte(strconv.Itoa(m.id) + ":")
	last := int64(-1)
	for ends := 0; ends < bystanderCount; {
		p, err := m.ReadFrame()
		if err != nil {
			m.failed("read", err)
			return
		}
		if string(p) == "end" {
			ends++
		}
		rest, ok := bytes.CutPrefix(p, own)
		if !ok {
			continue
		}
		due, err := strconv.ParseInt(string(rest), 10, 64)
		if err != nil || due <= last {
			m.all.t.Errorf("bystander %d: %q came after %d", m.id, p, last)
			return
		}
		last = due
		m.mu.Lock()
		m.samples = append(m.samples, sample{time.Duration(due), time.Since(m.all.epoch) - time.Duration(due)})
		m.mu.Unlock()
		m.received.Add(1)
	}
}

// failed reports an error of the connection, unless the test is over.
func (m *bystander) failed(what string, err error) {
	if !m.all.over.Load() {
		m.all.t.Errorf("bystander %d: %s: %v", m.id, what, err)
	}
}

// latency sums up the round trips of a time.
type latency struct {
	n        int
	p99, max time.Duration
}

// during runs f and returns the latency of the messages that were due meanwhile.
func (b *bystanders) during(f func()) latency {
	b.t.Helper()
	from := time.Since(b.epoch)
	f()
	to := time.Since(b.epoch)
	sent := make([]int64, len(b.members))
	for i, m := range b.members {
		sent[i] = m.sent.Load()
	}
	var took []time.Duration
	for i, m := range b.members {
		eventually(b.t, "the bystanders' messages come back", func() bool { return m.received.Load() >= sent[i] })
		m.mu.Lock()
		for _, s := range m.samples {
			if s.due >= from && s.due < to {
				took = append(took, s.took)
			}
		}
		m.mu.Unlock()
	}
	if len(took) < 100 {
		b.t.Fatalf("the bystanders have %d round trips, too few to measure", len(took))
	}
	slices.Sort(took)
	return latency{len(took), took[len(took)*99/100], took[len(took)-1]}
}

// end stops the bystanders and checks that no message was lost.
func (b *bystanders) end() {
	b.t.Helper()
	b.stop.Store(true)
	b.wait.Wait()
	for _, m := range b.members {
		if sent, received := m.sent.Load(), m.received.Load(); sent != received {
			b.t.Errorf("bystander %d sent %d messages and got %d back", m.id, sent, received)
		}
	}
}
