package scenario

import (
	"errors"
	"sync"
	"time"
)

// simulation replaces the network and the clock of the host. It knows when the
// host is idle: every goroutine that reads waits for input, no input is on its
// way, and every background loop waits for a time to come.
type simulation struct {
	mu       sync.Mutex
	changed  *sync.Cond // broadcast at every change
	conns    map[*memConn]struct{}
	readers  map[*memConn]struct{} // conns of clients whose reader has not ended
	writes   int                   // all so far
	upgrades int                   // handshakes in progress
	clock    clock
}

func newSimulation() *simulation {
	s := &simulation{conns: map[*memConn]struct{}{}, readers: map[*memConn]struct{}{}}
	s.changed = sync.NewCond(&s.mu)
	s.clock = clock{sim: s, now: startTime, loops: map[chan struct{}]*loop{}}
	return s
}

// idleTimeout is how long the host may take, in real time, until it is idle.
const idleTimeout = 20 * time.Second

var errNotIdle = errors.New("the host is not idle after 20 s: does a hook with a long deadline not end?")

// awaitIdle waits until the host is idle.
func (s *simulation) awaitIdle() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	late := false
	timer := time.AfterFunc(idleTimeout, func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		late = true
		s.changed.Broadcast()
	})
	defer timer.Stop()
	until := func(ok func() bool) bool {
		for !ok() && !late {
			s.changed.Wait()
		}
		return !late
	}
	for {
		if !until(s.looksIdle) {
			return errNotIdle
		}
		// A loop may have been woken without running yet. After two more rounds it
		// has handled everything from before the first.
		writes := s.writes
		for range 2 {
			rounds := s.clock.wakeLoops()
			if !until(func() bool { return s.clock.waitAgain(rounds) }) {
				return errNotIdle
			}
		}
		if s.looksIdle() && s.writes == writes {
			return nil
		}
	}
}

// looksIdle reports whether every goroutine that the simulation knows waits; mu
// is held.
func (s *simulation) looksIdle() bool {
	for c := range s.conns {
		if !c.idle() {
			return false
		}
	}
	for c := range s.readers {
		if c.closed {
			return false
		}
	}
	return s.upgrades == 0 && s.clock.loopsWait()
}

// trackReader says that a client reads c, or that its reader has ended.
func (s *simulation) trackReader(c *memConn, reads bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if reads {
		s.readers[c] = struct{}{}
	} else {
		delete(s.readers, c)
	}
	s.changed.Broadcast()
}

// addUpgrades adds n to the number of handshakes in progress.
func (s *simulation) addUpgrades(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.upgrades += n
	s.changed.Broadcast()
}
