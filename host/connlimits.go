package host

import (
	"net/netip"
	"sync"
)

// connLimits counts and bounds the open connections. A connection counts from its handshake until its socket is
// closed, which may be after on_close has run.
type connLimits struct {
	max        int // of the host
	perAddress int // not positive: no bound

	mu        sync.Mutex
	total     int
	byAddress map[netip.Addr]int // by clientip.LimitKey
	byRoute   map[*routeRuntime]int
	idleRoute map[*routeRuntime]chan struct{} // closed when the route has no connection
	idleAll   chan struct{}                   // closed when the host has no connection; nil: the host is not closing
}

func newConnLimits(max, perAddress int) *connLimits {
	return &connLimits{
		max:        max,
		perAddress: perAddress,
		byAddress:  map[netip.Addr]int{},
		byRoute:    map[*routeRuntime]int{},
		idleRoute:  map[*routeRuntime]chan struct{}{},
	}
}

// acquire counts c, or returns the bound that c would exceed. perRoute bounds the connections of its route; 0: no
// bound.
func (l *connLimits) acquire(c *conn, perRoute int) (r refusal, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.idleAll != nil, c.rt.retired.Load():
		return refusedClosing, false
	case l.total >= l.max:
		return refusedTotal, false
	case l.perAddress > 0 && l.byAddress[c.address] >= l.perAddress:
		return refusedAddress, false
	case perRoute > 0 && l.byRoute[c.rt] >= perRoute:
		return refusedRoute, false
	}
	l.total++
	l.byAddress[c.address]++
	l.byRoute[c.rt]++
	return "", true
}

// release takes back what acquire has counted for c.
func (l *connLimits) release(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total--; l.total == 0 && l.idleAll != nil {
		close(l.idleAll)
	}
	if l.byRoute[c.rt]--; l.byRoute[c.rt] == 0 {
		delete(l.byRoute, c.rt)
		if idle := l.idleRoute[c.rt]; idle != nil {
			close(idle)
			delete(l.idleRoute, c.rt)
		}
	}
	if l.byAddress[c.address]--; l.byAddress[c.address] == 0 {
		delete(l.byAddress, c.address)
	}
}

// count returns the number of connections of the host.
func (l *connLimits) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// countRoute returns the number of connections of a route.
func (l *connLimits) countRoute(rt *routeRuntime) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byRoute[rt]
}

// idle returns a Go channel that is closed when the route has no connection. The route must be retired, so that it
// accepts no more. At most one caller may wait for a route.
func (l *connLimits) idle(rt *routeRuntime) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := make(chan struct{})
	if l.byRoute[rt] == 0 {
		close(done)
	} else {
		l.idleRoute[rt] = done
	}
	return done
}

// close makes acquire refuse every connection from now on. It returns a Go channel that is closed when the host has no
// connection. close may be called more than once.
func (l *connLimits) close() <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.idleAll == nil {
		l.idleAll = make(chan struct{})
		if l.total == 0 {
			close(l.idleAll)
		}
	}
	return l.idleAll
}
