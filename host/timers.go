package host

import (
	"container/heap"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// timers are the timers of a route and of its connections. The zero value is
// empty. Methods may be called concurrently.
type timers struct {
	mu   sync.Mutex
	byID map[timerID]*timer
	heap timerHeap
}

// timerID identifies a timer within its route.
type timerID struct {
	conn ConnID // 0: a timer of the route
	name string
}

type timer struct {
	timerID
	at    time.Time
	index int // in the heap
}

// has reports whether a timer is set.
func (t *timers) has(id timerID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.byID[id] != nil
}

// len returns the number of timers that are set.
func (t *timers) len() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.heap)
}

// set sets a timer, or moves one that is set. It reports whether the timer is
// the next to fire.
func (t *timers) set(id timerID, at time.Time) (first bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.byID[id]; x != nil {
		x.at = at
		heap.Fix(&t.heap, x.index)
		return x.index == 0
	}
	if t.byID == nil {
		t.byID = map[timerID]*timer{}
	}
	x := &timer{timerID: id, at: at}
	t.byID[id] = x
	heap.Push(&t.heap, x)
	return x.index == 0
}

// clear removes a timer. It does nothing if the timer is not set.
func (t *timers) clear(id timerID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if x := t.byID[id]; x != nil {
		delete(t.byID, id)
		heap.Remove(&t.heap, x.index)
	}
}

// next returns when the next timer fires. ok is false if none is set.
func (t *timers) next() (at time.Time, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 {
		return time.Time{}, false
	}
	return t.heap[0].at, true
}

// take removes and returns a timer that is due. ok is false if none is.
func (t *timers) take(now time.Time) (id timerID, ok bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.heap) == 0 || t.heap[0].at.After(now) {
		return timerID{}, false
	}
	x := heap.Pop(&t.heap).(*timer)
	delete(t.byID, x.timerID)
	return x.timerID, true
}

// timerHeap implements heap.Interface. The timer that fires next is the first.
type timerHeap []*timer

func (h timerHeap) Len() int           { return len(h) }
func (h timerHeap) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h timerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *timerHeap) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *timerHeap) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}

// minTimer is the shortest delay of a timer that on_timer sets. A timer that sets
// itself again with a delay of 0 would be due at once for ever on a clock that
// stands still, and a round of the background loop would not end.
const minTimer = time.Millisecond

// minTimerDelay returns the shortest delay of a timer that a hook sets.
func minTimerDelay(h abi.Hook) time.Duration {
	if h == abi.OnTimer {
		return minTimer
	}
	return 0
}

// setTimer sets a timer of the route, or of conn if it is not nil.
func (rt *routeRuntime) setTimer(conn *conn, name string, after time.Duration) {
	id := timerID{name: name}
	if conn != nil {
		id.conn = conn.member.ID
		conn.timerMu.Lock()
		defer conn.timerMu.Unlock()
		if !conn.addTimer(name) {
			return
		}
	}
	if rt.timers.set(id, rt.host.now().Add(after)) {
		rt.wakeBackground()
	}
}

// clearTimer clears a timer of the route, or of conn if it is not nil.
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
