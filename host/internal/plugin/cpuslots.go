package plugin

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// CPUSlots limits how many long-running hooks execute at the same time, over all Plugins that share it. A hook that
// has spent its first slice of fuel takes a slot for each further slice, in the order of requests. Hooks that end
// within their first slice, which are nearly all, need no slot, never wait and have no cost from it. A hook of a
// quiet route therefore finds a free processor after one slice at most, however many plugins loop.
//
// A hook holds its slot while guest code runs and during calls of host functions, but not while it waits. A hook that
// is about to wait for the store, for another node or for the log releases its slot first, and takes another one with
// its next slice. A hook may hold an instance and the write lock of the store while it waits for a slot. No hook with
// a slot waits for either of them, so the order of these locks cannot cause a deadlock.
//
// The methods may be called concurrently.
type CPUSlots struct {
	mu    sync.Mutex
	free  int
	queue []chan struct{} // waiting callers of take, the first one first; each channel has a buffer of one
}

// NewCPUSlots returns as many slots as Go uses processors.
func NewCPUSlots() *CPUSlots { return &CPUSlots{free: runtime.GOMAXPROCS(0)} }

// take takes a slot, and waits for one for at most wait. It returns false if no slot became free in that time.
func (s *CPUSlots) take(wait time.Duration) bool {
	s.mu.Lock()
	if s.free > 0 {
		s.free--
		s.mu.Unlock()
		return true
	}
	granted := make(chan struct{}, 1)
	s.queue = append(s.queue, granted)
	s.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-granted:
		return true
	case <-timer.C:
	}
	s.mu.Lock()
	i := slices.Index(s.queue, granted)
	if i >= 0 {
		s.queue = slices.Delete(s.queue, i, i+1)
	}
	s.mu.Unlock()
	if i < 0 { // the slot was granted after the timer fired
		s.release()
	}
	return false
}

// release returns a slot. The caller of take that has waited longest gets it.
func (s *CPUSlots) release() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		s.free++
		return
	}
	s.queue[0] <- struct{}{}
	s.queue = slices.Delete(s.queue, 0, 1)
}

// takeSlot takes the slot for the next slice of a long-running hook. It ends the hook, by a panic, if the hook's
// deadline passes first.
func (c *callContext) takeSlot() {
	c.releaseSlot()
	c.setOnWait()
	left, _ := c.watchdog.remaining()
	if c.hasSlot = c.plugin.options.CPUSlots.take(left); !c.hasSlot {
		panic(errDeadline)
	}
}

// setOnWait makes the Env release the hook's slot before it waits.
func (c *callContext) setOnWait() {
	if c.waiter != nil {
		return
	}
	if w, ok := c.env.(Waiter); ok {
		c.waiter = w
		w.OnWait(c.releaseSlot)
	}
}

// releaseSlot returns the slot of the hook, if it holds one.
func (c *callContext) releaseSlot() {
	if c.hasSlot {
		c.hasSlot = false
		c.plugin.options.CPUSlots.release()
	}
}
