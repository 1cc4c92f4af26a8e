// Package timer keeps timers in the order in which they fire.
package timer

import (
	"container/heap"
	"sync"
	"time"
)

// Queue holds the timers of a route and of its connections. The zero value is empty.
// Methods may be called concurrently.
type Queue struct {
	mu   sync.Mutex
	byID map[ID]*timer
	heap byTime
}

// ID identifies a timer within its route.
type ID struct {
	Conn uint64 // the connection; 0: a timer of the route
	Name string
}

type timer struct {
	ID
	at    time.Time
	index int // in the heap
}

// Has reports whether a timer is set.
func (q *Queue) Has(id ID) bool {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.byID[id] != nil
}

// Len returns the number of timers that are set.
func (q *Queue) Len() int {
	q.mu.Lock()
	defer q.mu.Unlock()
	return len(q.heap)
}

// Set sets a timer, or moves one that is set. It reports whether the timer is
// the next to fire.
func (q *Queue) Set(id ID, at time.Time) (first bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if x := q.byID[id]; x != nil {
		x.at = at
		heap.Fix(&q.heap, x.index)
		return x.index == 0
	}
	if q.byID == nil {
		q.byID = map[ID]*timer{}
	}
	x := &timer{ID: id, at: at}
	q.byID[id] = x
	heap.Push(&q.heap, x)
	return x.index == 0
}

// Clear removes a timer. It does nothing if the timer is not set.
func (q *Queue) Clear(id ID) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if x := q.byID[id]; x != nil {
		delete(q.byID, id)
		heap.Remove(&q.heap, x.index)
	}
}

// Next returns when the next timer fires. ok is false if none is set.
func (q *Queue) Next() (at time.Time, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 {
		return time.Time{}, false
	}
	return q.heap[0].at, true
}

// Take removes and returns a timer that is due. ok is false if none is.
func (q *Queue) Take(now time.Time) (id ID, ok bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if len(q.heap) == 0 || q.heap[0].at.After(now) {
		return ID{}, false
	}
	x := heap.Pop(&q.heap).(*timer)
	delete(q.byID, x.ID)
	return x.ID, true
}

// byTime implements heap.Interface. The timer that fires next is the first.
type byTime []*timer

func (h byTime) Len() int           { return len(h) }
func (h byTime) Less(i, j int) bool { return h[i].at.Before(h[j].at) }
func (h byTime) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].index, h[j].index = i, j
}
func (h *byTime) Push(x any) {
	t := x.(*timer)
	t.index = len(*h)
	*h = append(*h, t)
}
func (h *byTime) Pop() any {
	old := *h
	t := old[len(old)-1]
	old[len(old)-1] = nil
	*h = old[:len(old)-1]
	return t
}
