package scenario

import "time"

// start is when every scenario begins.
var start = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// clock is the host's clock: it moves when the script says so. Its fields
// belong to world.mu.
type clock struct {
	world  *world
	now    time.Time
	clerks map[chan struct{}]*clerk // by what wakes them
}

// clerk is a goroutine of the host that does what is due.
type clerk struct {
	due    time.Time
	fire   chan struct{} // closed when it is due
	parked bool          // it waits
	rounds int           // how often it has come to wait
}

// Now implements host.Clock.
func (c *clock) Now() time.Time {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	return c.now
}

// Wait implements host.Clock.
func (c *clock) Wait(d time.Duration, wake chan struct{}, stop <-chan struct{}) bool {
	k := c.park(d, wake)
	select {
	case <-k.fire:
	case <-wake:
	case <-stop:
		c.world.mu.Lock()
		defer c.world.mu.Unlock()
		delete(c.clerks, wake)
		c.world.changed.Broadcast()
		return false
	}
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	k.parked = false
	return true
}

func (c *clock) park(d time.Duration, wake chan struct{}) *clerk {
	c.world.mu.Lock()
	defer c.world.mu.Unlock()
	k := c.clerks[wake]
	if k == nil {
		k = &clerk{}
		c.clerks[wake] = k
	}
	k.due, k.fire, k.parked = c.now.Add(d), make(chan struct{}), true
	k.rounds++
	if d <= 0 {
		k.parked = false
		close(k.fire)
	}
	c.world.changed.Broadcast()
	return k
}

// parked says that all clerks wait. world.mu is held, here and below.
func (c *clock) parked() bool {
	for wake, k := range c.clerks {
		if !k.parked || len(wake) > 0 {
			return false
		}
	}
	return true
}

// wake has all clerks look once more at what is due, and returns how often
// each has come to wait until now.
func (c *clock) wake() map[chan struct{}]int {
	rounds := map[chan struct{}]int{}
	for wake, k := range c.clerks {
		rounds[wake] = k.rounds
		select {
		case wake <- struct{}{}:
		default: // it will be woken by what is there
		}
	}
	return rounds
}

// since says that all clerks have come to wait again since then.
func (c *clock) since(rounds map[chan struct{}]int) bool {
	for wake, n := range rounds {
		if k := c.clerks[wake]; k != nil && (k.rounds <= n || !k.parked || len(wake) > 0) {
			return false
		}
	}
	return true
}

// advance lets time pass, from one thing that is due to the next.
func (w *world) advance(d time.Duration) error {
	w.mu.Lock()
	end := w.clock.now.Add(d)
	w.mu.Unlock()
	for {
		if err := w.rest(); err != nil {
			return err
		}
		if w.step(end) {
			return w.rest()
		}
	}
}

// step moves the clock to what is due next, or to the end.
func (w *world) step(end time.Time) (last bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	next := end
	for _, k := range w.clock.clerks {
		if k.due.Before(next) {
			next = k.due
		}
	}
	if next.After(w.clock.now) {
		w.clock.now = next
	}
	for _, k := range w.clock.clerks {
		if k.parked && !k.due.After(w.clock.now) {
			k.parked = false
			close(k.fire)
		}
	}
	return !next.Before(end)
}
