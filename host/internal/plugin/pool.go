package plugin

import (
	"context"
	"slices"
	"sync"
	"time"
)

// slots hand out the right to run guest code, and idle instances with it.
type slots struct {
	size int

	mu      sync.Mutex
	busy    int         // slots that are taken
	idle    []*instance // of the current version; the last one was used last
	queue   []*waiter   // who waits, first come first
	woken   bool        // a waiter was woken and has not tried yet
	closed  bool
	drained chan struct{} // closed when busy is 0 after Close; nil before Close
}

// handOver is how long an event waits before a slot is given to it. Before
// that it only has the right to try when a slot becomes free, and an event
// that comes at that moment may be faster: to wake a goroutine takes longer
// than most hooks, and nobody could use the slot meanwhile. (The mutex of Go
// does the same, with the same time.)
const handOver = time.Millisecond

// waiter is an event that waits for a slot.
type waiter struct {
	since time.Time
	// ready gets true with a slot, false with the right to try.
	ready chan bool
}

// take gets a slot, the current version and, if one is idle, an instance of it.
func (p *Plugin) take(ctx context.Context) (*version, *instance, error) {
	s := &p.slots
	s.mu.Lock()
	if s.busy >= s.size || s.closed {
		if err := s.wait(ctx); err != nil { // unlocks s.mu if it fails
			return nil, nil, err
		}
	} else {
		s.busy++
	}
	v := p.current.Load()
	if v == nil {
		s.release()
		s.mu.Unlock()
		return nil, nil, ErrNotLoaded
	}
	v.running++
	var inst *instance
	if n := len(s.idle); n > 0 {
		inst = s.idle[n-1]
		s.idle[n-1] = nil
		s.idle = s.idle[:n-1]
	}
	s.mu.Unlock()
	return v, inst, nil
}

// put gives back what take gave. inst is nil if it is gone.
func (p *Plugin) put(v *version, inst *instance) {
	s := &p.slots
	s.mu.Lock()
	if inst != nil {
		if v.retired {
			s.mu.Unlock()
			inst.close()
			s.mu.Lock()
		} else {
			s.idle = append(s.idle, inst)
		}
	}
	v.running--
	last := v.retired && v.running == 0
	if !last {
		s.release()
		s.mu.Unlock()
		return
	}
	// The slot is kept until the version is freed: Close waits for slots.
	s.mu.Unlock()
	v.close()
	s.mu.Lock()
	s.release()
	s.mu.Unlock()
}

// wait waits for a slot. s.mu is held, and held again when it returns nil.
func (s *slots) wait(ctx context.Context) error {
	if s.closed {
		s.mu.Unlock()
		return ErrNotLoaded
	}
	w := &waiter{since: time.Now(), ready: make(chan bool, 1)}
	s.queue = append(s.queue, w)
	for {
		s.mu.Unlock()
		select {
		case handed := <-w.ready:
			s.mu.Lock()
			if handed {
				return nil
			}
		case <-ctx.Done():
			s.mu.Lock()
			s.leave(w)
			s.mu.Unlock()
			return ctx.Err()
		}
		s.woken = false
		if s.closed {
			s.mu.Unlock()
			return ErrNotLoaded
		}
		if s.busy < s.size {
			s.busy++
			s.wake() // there may be more slots, and others were not woken
			return nil
		}
		s.queue = slices.Insert(s.queue, 0, w) // it was the first, and stays it
	}
}

// leave takes back a wait. s.mu is held.
func (s *slots) leave(w *waiter) {
	if i := slices.Index(s.queue, w); i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
		return
	}
	// It has left the queue, so its word is there.
	if handed := <-w.ready; handed {
		s.release()
		return
	}
	s.woken = false
	s.wake()
}

// release frees a slot. s.mu is held.
func (s *slots) release() {
	if len(s.queue) > 0 && !s.closed && time.Since(s.queue[0].since) > handOver {
		s.pop().ready <- true
		return
	}
	s.busy--
	s.wake()
	if s.busy == 0 && s.drained != nil {
		close(s.drained)
		s.drained = nil
	}
}

// wake tells the first waiter to try, if there is a slot and nobody was told
// already. s.mu is held.
func (s *slots) wake() {
	if len(s.queue) == 0 || s.woken || s.busy >= s.size {
		return
	}
	s.woken = true
	s.pop().ready <- false
}

func (s *slots) pop() *waiter {
	w := s.queue[0]
	s.queue = slices.Delete(s.queue, 0, 1)
	return w
}
