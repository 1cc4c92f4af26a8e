package plugin

import (
	"runtime"
	"slices"
	"sync"
	"time"
)

// CPUSlots bound how many hooks that run for long run at a time, over all Plugins
// that share them. A hook whose first slice of fuel is spent takes a turn for each
// further one, first come, first served; the hooks that are done before, which is nearly
// all, never wait and pay nothing. So a hook of a quiet route finds a free processor
// after a slice at most, however many plugins loop.
//
// A turn is held while guest code runs, over its calls of host functions, but by nothing
// that waits: whoever is about to wait for the store, for another machine or for the log
// gives it back first, and takes another with the next slice. A hook may wait for a turn with an
// instance and the right to write to the store in hand; since nobody who has a turn waits
// for either, no order of locks can make a deadlock of it.
type CPUSlots struct {
	mu    sync.Mutex
	free  int
	queue []chan struct{} // who waits; each has room for the word
}

// NewCPUSlots makes as many turns as Go has processors.
func NewCPUSlots() *CPUSlots { return &CPUSlots{free: runtime.GOMAXPROCS(0)} }

// take waits for a turn, at most so long. false: there was none.
func (t *CPUSlots) take(wait time.Duration) bool {
	t.mu.Lock()
	if t.free > 0 {
		t.free--
		t.mu.Unlock()
		return true
	}
	word := make(chan struct{}, 1)
	t.queue = append(t.queue, word)
	t.mu.Unlock()
	timer := time.NewTimer(wait)
	defer timer.Stop()
	select {
	case <-word:
		return true
	case <-timer.C:
	}
	t.mu.Lock()
	i := slices.Index(t.queue, word)
	if i >= 0 {
		t.queue = slices.Delete(t.queue, i, i+1)
	}
	t.mu.Unlock()
	if i < 0 { // it came at the last moment
		t.give()
	}
	return false
}

// give gives a turn back, to the one that has waited longest.
func (t *CPUSlots) give() {
	t.mu.Lock()
	defer t.mu.Unlock()
	if len(t.queue) == 0 {
		t.free++
		return
	}
	t.queue[0] <- struct{}{}
	t.queue = slices.Delete(t.queue, 0, 1)
}

// takeTurn takes the next turn of a hook that runs for long.
func (c *callContext) takeTurn() {
	c.giveTurn()
	c.tellWaiter()
	left, _ := c.watch.left()
	if c.turn = c.plugin.o.CPUSlots.take(left); !c.turn {
		panic(errDeadline)
	}
}

// tellWaiter has the Env give back the turn of the hook before it waits.
func (c *callContext) tellWaiter() {
	if c.waiter != nil {
		return
	}
	if w, ok := c.env.(Waiter); ok {
		c.waiter = w
		w.BeforeWait(c.giveTurn)
	}
}

// giveTurn gives back the turn of the hook, if it has one.
func (c *callContext) giveTurn() {
	if c.turn {
		c.turn = false
		c.plugin.o.CPUSlots.give()
	}
}
