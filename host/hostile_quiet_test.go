package host_test

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

// quietRoom is a room on another plugin than the hostile one, whose members
// send all the time, and measure how long it takes until the room has it.
//
// Each member sends on a schedule that no answer can delay: a message carries
// the time at which it was due, and its round trip counts from then. A host
// that stands still for a second makes as many late samples as a second has
// messages, and not just one. Late timers and late readers of the test itself
// count as well, in the quiet window as in the other.
type quietRoom struct {
	epoch   time.Time
	stop    atomic.Bool // the members say their last
	over    atomic.Bool // the test is over, and sockets are closed
	wait    sync.WaitGroup
	members []*quietMember
}

type quietMember struct {
	*wstest.Conn
	sent, back atomic.Int64 // messages

	mu      sync.Mutex
	samples []sample
}

// sample is a round trip: when it was due, and what it took.
type sample struct{ due, took time.Duration }

const (
	quietMembers  = 3
	quietInterval = 2 * time.Millisecond // between the messages of one member
)

func newQuietRoom(t testing.TB, url string) *quietRoom {
	t.Helper()
	q := &quietRoom{epoch: time.Now()}
	for range quietMembers {
		c := wstest.Dial(t, url, "/quiet/room")
		_ = c.SetDeadline(time.Now().Add(time.Minute))
		q.members = append(q.members, &quietMember{Conn: c})
	}
	for i, m := range q.members {
		q.wait.Go(func() { m.talk(t, q, i) })
		q.wait.Go(func() { m.listen(t, q, i) })
	}
	t.Cleanup(func() { // after a test that gave up
		q.over.Store(true)
		q.stop.Store(true)
		for _, m := range q.members {
			_ = m.Close()
		}
		q.wait.Wait()
	})
	return q
}

// fail reports what a member can not do, unless the test is over.
func (q *quietRoom) fail(t testing.TB, id int, what string, err error) {
	if !q.over.Load() {
		t.Errorf("member %d of the quiet room: %s: %v", id, what, err)
	}
}

func (m *quietMember) talk(t testing.TB, q *quietRoom, id int) {
	due := time.Since(q.epoch) + time.Duration(id)*quietInterval/quietMembers
	for !q.stop.Load() {
		time.Sleep(due - time.Since(q.epoch))
		m.sent.Add(1)
		if err := m.WriteText(fmt.Sprintf("%d:%d", id, int64(due))); err != nil {
			q.fail(t, id, "send", err)
			return
		}
		due += quietInterval
	}
	// The last one tells everybody's reader that this member has finished.
	if err := m.WriteText("end"); err != nil {
		q.fail(t, id, "send", err)
	}
}

func (m *quietMember) listen(t testing.TB, q *quietRoom, id int) {
	own := []byte(strconv.Itoa(id) + ":")
	last := int64(-1)
	for ends := 0; ends < quietMembers; {
		p, err := m.ReadFrame()
		if err != nil {
			q.fail(t, id, "read", err)
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
			t.Errorf("member %d of the quiet room: %q came after %d", id, p, last)
			return
		}
		last = due
		m.mu.Lock()
		m.samples = append(m.samples, sample{time.Duration(due), time.Since(q.epoch) - time.Duration(due)})
		m.mu.Unlock()
		m.back.Add(1)
	}
}

// latency is what the round trips of a window took.
type latency struct {
	n        int
	p99, max time.Duration
}

// during measures the messages that were due while f ran.
func (q *quietRoom) during(t testing.TB, f func()) latency {
	t.Helper()
	from := time.Since(q.epoch)
	f()
	to := time.Since(q.epoch)
	sent := make([]int64, len(q.members))
	for i, m := range q.members {
		sent[i] = m.sent.Load()
	}
	var took []time.Duration
	for i, m := range q.members {
		eventually(t, "the answers to the quiet room", func() bool { return m.back.Load() >= sent[i] })
		m.mu.Lock()
		for _, s := range m.samples {
			if s.due >= from && s.due < to {
				took = append(took, s.took)
			}
		}
		m.mu.Unlock()
	}
	if len(took) < 100 {
		t.Fatalf("the quiet room has %d round trips, which is too few to measure", len(took))
	}
	slices.Sort(took)
	return latency{len(took), took[len(took)*99/100], took[len(took)-1]}
}

// end waits until every message has come back to every member.
func (q *quietRoom) end(t testing.TB) {
	t.Helper()
	q.stop.Store(true)
	q.wait.Wait()
	for i, m := range q.members {
		if sent, back := m.sent.Load(), m.back.Load(); sent != back {
			t.Errorf("member %d of the quiet room sent %d messages and got %d back", i, sent, back)
		}
	}
}
