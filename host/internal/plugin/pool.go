package plugin

import (
	"context"
	"slices"
	"sync"
	"time"
)

// handoverAfter is how long an event waits before a released slot is assigned to it. Before that, a released slot
// only wakes the event, which then competes for the slot with events that arrive at that moment: waking a goroutine
// takes longer than most hooks, and the slot would be unused meanwhile. sync.Mutex does the same, with the same time.
const handoverAfter = time.Millisecond

// instancePool assigns the instance slots of a Plugin. An instance slot is the right to run guest code; an idle
// instance comes with it if there is one. Methods whose names end in Locked need mu, and hold it when they return.
type instancePool struct {
	size int // number of slots; constant

	mu      sync.Mutex
	busy    int           // assigned slots
	idle    []*instance   // of the current version, the most recently used one last
	queue   []*slotWaiter // events that wait for a slot, the first one first
	waking  bool          // a waiter was woken and has not competed for a slot yet
	closed  bool
	drained chan struct{} // set by Close, and closed when busy is 0
}

// slotWaiter is an event that waits for an instance slot.
type slotWaiter struct {
	since time.Time
	wake  chan bool // has a buffer of one; true: a slot is assigned; false: the waiter may compete for one
}

// acquire takes a slot, the current version and, if one is idle, an instance of that version. It waits for a slot
// until ctx ends. release returns what acquire took.
func (p *Plugin) acquire(ctx context.Context) (*version, *instance, error) {
	s := &p.pool
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.takeSlotLocked(ctx); err != nil {
		return nil, nil, err
	}
	v := p.current.Load()
	if v == nil {
		s.releaseSlotLocked()
		return nil, nil, ErrNotLoaded
	}
	v.refs++
	var inst *instance
	if n := len(s.idle); n > 0 {
		inst = s.idle[n-1]
		s.idle[n-1] = nil
		s.idle = s.idle[:n-1]
	}
	return v, inst, nil
}

// release returns what acquire took. inst is nil if the event left no usable instance.
func (p *Plugin) release(v *version, inst *instance) {
	s := &p.pool
	s.mu.Lock()
	switch {
	case inst == nil:
	case !v.retired:
		s.idle = append(s.idle, inst)
	default:
		s.mu.Unlock()
		inst.close()
		s.mu.Lock()
	}
	v.refs--
	if v.retired && v.refs == 0 {
		// The slot is released after the version is freed, because Close waits for slots.
		s.mu.Unlock()
		v.close()
		s.mu.Lock()
	}
	s.releaseSlotLocked()
	s.mu.Unlock()
}

// takeSlotLocked takes a slot, and waits for one until ctx ends. It unlocks mu while it waits. It returns ErrNotLoaded
// if the pool is closed, and the error of ctx.
func (s *instancePool) takeSlotLocked(ctx context.Context) error {
	if s.closed {
		return ErrNotLoaded
	}
	if s.busy < s.size {
		s.busy++
		return nil
	}
	return s.waitSlotLocked(ctx)
}

// waitSlotLocked is takeSlotLocked when all slots are busy.
func (s *instancePool) waitSlotLocked(ctx context.Context) error {
	w := &slotWaiter{since: time.Now(), wake: make(chan bool, 1)}
	s.queue = append(s.queue, w)
	for {
		s.mu.Unlock()
		select {
		case assigned := <-w.wake:
			s.mu.Lock()
			if assigned {
				return nil
			}
		case <-ctx.Done():
			s.mu.Lock()
			s.cancelWaitLocked(w)
			return ctx.Err()
		}
		s.waking = false
		if s.closed {
			return ErrNotLoaded
		}
		if s.busy < s.size {
			s.busy++
			s.wakeFirstLocked() // more slots may have become free, and no other waiter was woken for them
			return nil
		}
		s.queue = slices.Insert(s.queue, 0, w) // it keeps its position, which was the first
	}
}

// cancelWaitLocked ends a wait. A slot, or a wake, that w was given at the same time goes to the next waiter.
func (s *instancePool) cancelWaitLocked(w *slotWaiter) {
	if i := slices.Index(s.queue, w); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		return
	}
	if assigned := <-w.wake; assigned { // popLocked removed w from the queue, so wake has a value
		s.releaseSlotLocked()
		return
	}
	s.waking = false
	s.wakeFirstLocked()
}

// releaseSlotLocked assigns a slot to the first waiter if that has waited for handoverAfter, and frees it otherwise.
func (s *instancePool) releaseSlotLocked() {
	if len(s.queue) > 0 && !s.closed && time.Since(s.queue[0].since) > handoverAfter {
		s.popLocked().wake <- true
		return
	}
	s.busy--
	s.wakeFirstLocked()
	if s.busy == 0 && s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
}

// wakeFirstLocked makes the first waiter compete for a slot, if one is free and no waiter is already waking.
func (s *instancePool) wakeFirstLocked() {
	if len(s.queue) == 0 || s.waking || s.busy >= s.size {
		return
	}
	s.waking = true
	s.popLocked().wake <- false
}

// popLocked removes the first waiter from the queue.
func (s *instancePool) popLocked() *slotWaiter {
	w := s.queue[0]
	s.queue = slices.Delete(s.queue, 0, 1)
	return w
}

// closeLocked refuses new events, and wakes all waiters, which then return ErrNotLoaded.
func (s *instancePool) closeLocked() {
	s.closed = true
	for len(s.queue) > 0 {
		s.popLocked().wake <- false
	}
}

func (s *instancePool) isClosed() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.closed
}
