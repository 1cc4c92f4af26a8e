package host

import (
	"math"
	"strconv"
	"time"

	"github.com/azuhost/azuhost/host/internal/quarantine"
)

// RouteState says whether a route accepts new connections.
type RouteState string

// The values of RouteState.
const (
	// Serving routes accept connections.
	Serving RouteState = "serving"
	// Probation follows a quarantine. The route accepts connections. The first fault within Limits.FaultWindow begins
	// another quarantine, twice as long.
	Probation RouteState = "probation"
	// Quarantined routes refuse new connections with 503. Open connections stay.
	Quarantined RouteState = "quarantined"
)

// state returns the state of the route at now, and the time when it ends by itself; Serving has none. It changes and
// logs nothing.
func (rt *routeRuntime) state(now time.Time) (s RouteState, until time.Time) {
	state, until := rt.breaker.State(now, rt.settings.Load().limits.FaultWindow)
	return RouteState(state), until
}

// advanceState makes and logs the changes of the state that are due.
func (rt *routeRuntime) advanceState(now time.Time) {
	for _, c := range rt.breaker.Advance(now, rt.settings.Load().limits.FaultWindow) {
		rt.stateChanged(c)
	}
}

// countFault counts a fault of a hook.
func (rt *routeRuntime) countFault(now time.Time) {
	rt.faults.Add(1)
	rt.advanceState(now)
	l := &rt.settings.Load().limits
	if c, changed := rt.breaker.Fault(now, l.Faults, l.FaultWindow); changed {
		rt.stateChanged(c)
		rt.wakeBackground() // to end the quarantine
	}
}

// lift ends a quarantine or probation.
func (rt *routeRuntime) lift(reason string) {
	if c, changed := rt.breaker.Lift(reason); changed {
		rt.stateChanged(c)
	}
}

// stateChanged logs and counts a change of the state.
func (rt *routeRuntime) stateChanged(c quarantine.Change) {
	s := rt.settings.Load()
	log := rt.log.With("plugin", s.name, "version", s.version(), "reason", c.Reason)
	switch c.To {
	case quarantine.Quarantined:
		rt.host.metrics.quarantines.WithLabelValues(rt.pattern, s.name).Inc()
		log.Error("route quarantined, new connections are refused", "for", c.Wait,
			"lift", "load another version of the plugin, change the route, or call Host.Lift")
	case quarantine.Probation:
		log.Warn("route on probation, connections are accepted again")
	default:
		log.Info("route serves again")
	}
}

// retryAfter returns the time after which a client should connect again, as the value of Retry-After. ok is false if
// the route is not quarantined.
func (rt *routeRuntime) retryAfter(now time.Time) (seconds string, ok bool) {
	rt.advanceState(now)
	state, until := rt.state(now)
	if state != Quarantined {
		return "", false
	}
	return strconv.Itoa(max(1, int(math.Ceil(until.Sub(now).Seconds())))), true
}

// Lift ends the quarantine or probation of a route, given by its path in Options.Routes, and forgets its faults. A
// plugin version that was rolled back is loaded again when its file is read next: when the file changes, or in Reload.
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
