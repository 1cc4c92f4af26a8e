// Package quarantine has the circuit breaker of a route, which refuses new connections after too many faults.
package quarantine

import (
	"fmt"
	"sync"
	"time"
)

// State is the state of a Breaker.
type State string

// The states.
const (
	Serving     State = "serving"     // closed
	Probation   State = "probation"   // half-open: the first fault begins another quarantine
	Quarantined State = "quarantined" // open
)

// MaxFaults is the largest number of faults that Breaker.Fault may allow: a Breaker remembers the time of each.
const MaxFaults = 10_000

// The first quarantine lasts firstWait. Each one that follows on a probation lasts twice as long, and at most maxWait.
const (
	firstWait = time.Second
	maxWait   = time.Minute
)

// Breaker is the circuit breaker of one route. The zero value serves. Its methods may be called concurrently. Limits
// are arguments, because they can change while the route runs.
type Breaker struct {
	mu     sync.Mutex
	phase  phase
	wait   time.Duration // of the last quarantine; 0: none since the last reset
	faults []time.Time   // ring of the last faults while serving, one more than are allowed; nil: none
	oldest int           // index in faults
}

// phase is a state with its end. The zero value is Serving, which has no end.
type phase struct {
	state State
	until time.Time
}

// next returns the phase that follows on p, if p has ended at now. A probation lasts for window.
func (p phase) next(now time.Time, window time.Duration) (following phase, ok bool) {
	switch {
	case p.until.IsZero() || now.Before(p.until):
		return p, false
	case p.state == Quarantined:
		return phase{Probation, p.until.Add(window)}, true
	}
	return phase{}, true
}

// Change is a change of the state.
type Change struct {
	To     State
	Reason string
	Wait   time.Duration // duration of a quarantine; else 0
}

// State returns the state at now, and the time when it ends by itself; Serving has none. It changes nothing: the state
// is right also if Advance has not been called since the last one ended.
func (b *Breaker) State(now time.Time, window time.Duration) (s State, until time.Time) {
	b.mu.Lock()
	defer b.mu.Unlock()
	p := b.phase
	for next, ok := p.next(now, window); ok; next, ok = p.next(now, window) {
		p = next
	}
	if p.state == "" {
		return Serving, time.Time{}
	}
	return p.state, p.until
}

// Advance makes the changes that are due at now and returns them in their order.
func (b *Breaker) Advance(now time.Time, window time.Duration) (changes []Change) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		next, ok := b.phase.next(now, window)
		if !ok {
			return changes
		}
		if next.state == Probation {
			b.phase = next
			changes = append(changes, Change{To: Probation, Reason: "the quarantine is over"})
			continue
		}
		b.reset()
		changes = append(changes, Change{To: Serving, Reason: fmt.Sprintf("no fault within %v", window)})
	}
}

// Due returns the time of the next change that Advance makes. ok is false if none is due without a fault.
func (b *Breaker) Due() (at time.Time, ok bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.phase.until, !b.phase.until.IsZero()
}

// Fault counts a fault, which begins a quarantine if more than allowed came within window, or on probation. allowed
// must be the same until the next reset. The caller calls Advance before. Faults in a quarantine do not count: they are
// those of connections that stay.
func (b *Breaker) Fault(now time.Time, allowed int, window time.Duration) (c Change, changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	switch b.phase.state {
	case Quarantined:
		return Change{}, false
	case Probation:
		return b.quarantine(now, "a fault on probation"), true
	}
	if b.faults == nil {
		b.faults = make([]time.Time, allowed+1)
	}
	b.faults[b.oldest] = now
	b.oldest = (b.oldest + 1) % len(b.faults)
	oldest := b.faults[b.oldest]
	if oldest.IsZero() || now.Sub(oldest) > window {
		return Change{}, false
	}
	return b.quarantine(now, fmt.Sprintf("%d faults within %v", len(b.faults), window)), true
}

// quarantine begins a quarantine. mu is held.
func (b *Breaker) quarantine(now time.Time, reason string) Change {
	b.wait = min(max(2*b.wait, firstWait), maxWait)
	b.phase = phase{Quarantined, now.Add(b.wait)}
	b.faults, b.oldest = nil, 0
	return Change{To: Quarantined, Reason: reason, Wait: b.wait}
}

// Lift ends a quarantine or probation and forgets all faults. changed is false if the state was Serving.
func (b *Breaker) Lift(reason string) (c Change, changed bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	changed = b.phase != phase{}
	b.reset()
	return Change{To: Serving, Reason: reason}, changed
}

// reset returns b to its zero value. mu is held.
func (b *Breaker) reset() {
	b.phase, b.wait, b.faults, b.oldest = phase{}, 0, nil, 0
}
