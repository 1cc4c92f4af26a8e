package host

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"
)

// RouteState says whether a route takes new connections.
type RouteState string

// The values of RouteState.
const (
	// Serving: all is well.
	Serving RouteState = "serving"
	// Probation: a quarantine is over, and connections are taken. The first
	// fault within Limits.FaultWindow begins another, twice as long.
	Probation RouteState = "probation"
	// Quarantined: new connections are refused with 503, those that are open go on.
	Quarantined RouteState = "quarantined"
)

// How long a quarantine lasts: the first one, and the longest.
const (
	firstQuarantine = time.Second
	maxQuarantine   = time.Minute
)

// maxFaults bounds Limits.Faults, since the time of each is kept.
const maxFaults = 10_000

// quarantine is what a route knows of its faults. The zero value serves.
type quarantine struct {
	mu    sync.Mutex
	ring  []time.Time   // of the last faults while serving, one more than are allowed
	next  int           // in ring: the oldest
	state RouteState    // "": Serving
	until time.Time     // when the state ends; Serving has no end
	wait  time.Duration // of the last quarantine; 0: there was none
}

// change is what happened to the state, for the log.
type change struct {
	to   RouteState
	why  string
	wait time.Duration // of a quarantine
}

// fault counts a fault.
func (q *quarantine) fault(now time.Time, faults int, window time.Duration) (change, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch q.state {
	case Quarantined:
		return change{}, false // of a connection that stays
	case Probation:
		return q.begin(now, "a fault on probation"), true
	}
	if q.ring == nil {
		q.ring = make([]time.Time, faults+1)
	}
	oldest := &q.ring[(q.next+1)%len(q.ring)]
	q.ring[q.next] = now
	q.next = (q.next + 1) % len(q.ring)
	if oldest.IsZero() || now.Sub(*oldest) > window {
		return change{}, false
	}
	return q.begin(now, fmt.Sprintf("%d faults within %v", len(q.ring), window)), true
}

// begin begins a quarantine. mu is held.
func (q *quarantine) begin(now time.Time, why string) change {
	q.wait = min(max(2*q.wait, firstQuarantine), maxQuarantine)
	q.state, q.until, q.ring, q.next = Quarantined, now.Add(q.wait), nil, 0
	return change{Quarantined, why, q.wait}
}

// pass has the state change that is due, if there is one.
func (q *quarantine) pass(now time.Time, window time.Duration) (change, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.until.IsZero() || now.Before(q.until) {
		return change{}, false
	}
	if q.state == Quarantined {
		q.state, q.until = Probation, q.until.Add(window)
		return change{to: Probation, why: "the quarantine is over"}, true
	}
	q.reset()
	return change{to: Serving, why: fmt.Sprintf("no fault within %v", window)}, true
}

// lift forgets everything.
func (q *quarantine) lift(why string) (change, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	was := q.state
	q.reset()
	return change{to: Serving, why: why}, was != ""
}

func (q *quarantine) reset() {
	q.ring, q.next, q.state, q.until, q.wait = nil, 0, "", time.Time{}, 0
}

// due is when the state ends by itself.
func (q *quarantine) due() (time.Time, bool) {
	q.mu.Lock()
	defer q.mu.Unlock()
	return q.until, !q.until.IsZero()
}

func (q *quarantine) now() (RouteState, time.Time) {
	q.mu.Lock()
	defer q.mu.Unlock()
	if q.state == "" {
		return Serving, time.Time{}
	}
	return q.state, q.until
}

// state is the state of the route, and when it ends by itself.
func (rt *routeRuntime) state(now time.Time) (RouteState, time.Time) {
	window := rt.settings.Load().limits.FaultWindow
	for c, ok := rt.quarantine.pass(now, window); ok; c, ok = rt.quarantine.pass(now, window) {
		rt.changed(c)
	}
	return rt.quarantine.now()
}

// faulted counts a fault of a hook.
func (rt *routeRuntime) faulted(now time.Time) {
	rt.faults.Add(1)
	rt.state(now)
	l := &rt.settings.Load().limits
	if c, ok := rt.quarantine.fault(now, l.Faults, l.FaultWindow); ok {
		rt.changed(c)
		rt.wakeBackground() // it ends the quarantine
	}
}

// lift ends a quarantine or probation.
func (rt *routeRuntime) lift(why string) {
	if c, ok := rt.quarantine.lift(why); ok {
		rt.changed(c)
	}
}

// changed logs and counts a change of the state.
func (rt *routeRuntime) changed(c change) {
	s := rt.settings.Load()
	log := rt.log.With("plugin", s.name, "version", s.version(), "why", c.why)
	switch c.to {
	case Quarantined:
		rt.host.metrics.quarantines.WithLabelValues(rt.pattern, s.name).Inc()
		log.Error("route quarantined, new connections are refused", "for", c.wait,
			"lift", "load another version of the plugin, change the route, or call Host.Lift")
	case Probation:
		log.Warn("route on probation, connections are taken again")
	default:
		log.Info("route serves again")
	}
}

// quarantined says how long a new connection has to wait, in seconds for
// Retry-After.
func (rt *routeRuntime) quarantined(now time.Time) (retryAfter string, ok bool) {
	state, until := rt.state(now)
	if state != Quarantined {
		return "", false
	}
	return strconv.Itoa(max(1, int(math.Ceil(until.Sub(now).Seconds())))), true
}

// Lift ends the quarantine or probation of a route, whose path is as
// Options.Routes has it, and forgets its faults. A plugin version that was rolled
// back is tried again when its file is read next: when it changes, or in Reload.
// The error wraps ErrUnknownRoute.
func (h *Host) Lift(path string) error {
	rt, err := h.route(path)
	if err != nil {
		return err
	}
	rt.lift("lifted by hand")
	if c := rt.settings.Load().rollout; c != nil {
		c.History.Lift()
	}
	return nil
}
