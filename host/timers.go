package host

import (
	"container/heap"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// timers are the timers of a channel, those of its connections included. A
// connection's timers go with it.
type timers struct {
	mu   sync.Mutex
	byID map[timerID]*timer
	heap timerHeap
}

type timerID struct {
	conn uint64 // 0: the channel
	name string
}

type timer struct {
	timerID
	at time.Time
	i  int // in the heap
}

func (t *timers) has(id timerID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id] != nil
}

func (t *timers) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.heap)
}

// set arms a timer anew. It reports whether it is the next to fire.
func (t *timers) set(id timerID, at time.Time) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.byID[id]; x != nil {
		x.at = at
		heap.Fix(&t.heap, x.i)
		return x.i == 0
	}
	if t.byID == nil {
		t.byID = map[timerID]*timer{}
	}
	x := &timer{timerID: id, at: at}
	t.byID[id] = x
	heap.Push(&t.heap, x)
	return x.i == 0
}

func (t *timers) clear(id timerID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.byID[id]; x != nil {
		delete(t.byID, id)
		heap.Remove(&t.heap, x.i)
	}
}

// next is when the next timer fires.
func (t *timers) next() (time.Time, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return time.Time{}, false
	}
	return t.heap[0].at, true
}

// take removes a timer that is due.
func (t *timers) take(now time.Time) (timerID, bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 || t.heap[0].at.After(now) {
		return timerID{}, false
	}
	x := heap.Pop(&t.heap).(*timer)
	delete(t.byID, x.timerID)
	return x.timerID, true
}

type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].i, h[j].i = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.i = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}

// leastTimer is the least delay of a timer that on_timer sets. Timers that set
// themselves again with 0 would be due at the same moment for ever where the clock stands
// still, and a round of the clerk would have no end.
const leastTimer = time.Millisecond

// leastDelay is the least delay of a timer that a hook sets.
func leastDelay(h abi.Hook) time.Duration {
	if h == abi.OnTimer {
		return leastTimer
	}
	return 0
}

// setTimer arms a timer of the channel, or of conn.
func (rt *routeRuntime) setTimer(conn *conn, name string, after time.Duration) {
	id := timerID{name: name}
	if conn != nil {
		id.conn = conn.member.ID
		conn.timerMu.Lock()
		defer conn.timerMu.Unlock()
		if !conn.keepTimer(name) {
			return // it went in the meantime
		}
	}
	if rt.timers.set(id, rt.host.now().Add(after)) {
		rt.wakeBackground()
	}
}

func (rt *routeRuntime) clearTimer(conn *conn, name string) {
	id := timerID{name: name}
	if conn != nil {
		id.conn = conn.member.ID
		conn.timerMu.Lock()
		defer conn.timerMu.Unlock()
		delete(conn.timers, name)
	}
	rt.timers.clear(id)
}
