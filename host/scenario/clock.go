package scenario

import "time"

// startTime is when every scenario begins.
var startTime = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// clock is the host's clock. It stands still until advance. Its fields, and those
// of loops, are guarded by sim.mu.
type clock struct {
	sim   *simulation
	now   time.Time
	loops map[chan struct{}]*loop // by the channel that wakes them
}

// loop is a background loop of the host.
type loop struct {
	due     time.Time     // end of its wait
	fire    chan struct{} // closed at that time
	waiting bool
	rounds  int // how often it has begun to wait
}

// Now implements host.Clock.
func (c *clock) Now() time.Time {
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	return c.now
}

// Wait implements host.Clock.
func (c *clock) Wait(d time.Duration, wake chan struct{}, stop <-chan struct{}) bool {
	l := c.beginWait(d, wake)
	select {
	case <-l.fire:
	case <-wake:
	case <-stop:
		c.sim.mu.Lock()
		defer c.sim.mu.Unlock()
		delete(c.loops, wake)
		c.sim.changed.Broadcast()
		return false
	}
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	l.waiting = false
	return true
}

// beginWait records that a loop waits for d.
func (c *clock) beginWait(d time.Duration, wake chan struct{}) *loop {
	c.sim.mu.Lock()
	defer c.sim.mu.Unlock()
	l := c.loops[wake]
	if l == nil {
		l = &loop{}
		c.loops[wake] = l
	}
	l.due, l.fire, l.waiting = c.now.Add(d), make(chan struct{}), true
	l.rounds++
	if d <= 0 {
		l.waiting = false
		close(l.fire)
	}
	c.sim.changed.Broadcast()
	return l
}

// loopsWait reports whether all loops wait; sim.mu is held. The route has one. It
// may not have begun to run when the first client connects.
func (c *clock) loopsWait() bool {
	for wake, l := range c.loops {
		if !l.waiting || len(wake) > 0 {
			return false
		}
	}
	return len(c.loops) > 0
}

// wakeLoops wakes all loops. It returns the rounds of each until now. sim.mu is
// held.
func (c *clock) wakeLoops() map[chan struct{}]int {
	rounds := map[chan struct{}]int{}
	for wake, l := range c.loops {
		rounds[wake] = l.rounds
		select {
		case wake <- struct{}{}:
		default: // it is being woken already
		}
	}
	return rounds
}

// waitAgain reports whether all loops wait again since wakeLoops returned rounds;
// sim.mu is held.
func (c *clock) waitAgain(rounds map[chan struct{}]int) bool {
	for wake, n := range rounds {
		if l := c.loops[wake]; l != nil && (l.rounds <= n || !l.waiting || len(wake) > 0) {
			return false
		}
	}
	return true
}

// advance lets time pass in steps, from one wait that ends to the next. The host
// is idle at each of them.
func (s *simulation) advance(d time.Duration) error {
	s.mu.Lock()
	end := s.clock.now.Add(d)
	s.mu.Unlock()
	for {
		if err := s.awaitIdle(); err != nil {
			return err
		}
		if s.step(end) {
			return s.awaitIdle()
		}
	}
}

// step moves the clock to the next end of a wait, but not beyond end. It returns
// true when the clock is at end.
func (s *simulation) step(end time.Time) (last bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	next := end
	for _, l := range s.clock.loops {
		if l.due.Before(next) {
			next = l.due
		}
	}
	if next.After(s.clock.now) {
		s.clock.now = next
	}
	for _, l := range s.clock.loops {
		if l.waiting && !l.due.After(s.clock.now) {
			l.waiting = false
			close(l.fire)
		}
	}
	return !next.Before(end)
}
