// Package connlimit counts and bounds open connections.
package connlimit

import (
	"net/netip"
	"sync"
)

// Bound is the bound that a connection would exceed.
type Bound int

// The bounds.
const (
	None    Bound = iota // the connection is counted
	Closing              // the host takes no more connections
	Total                // of the host
	PerAddress
	PerRoute
)

// Limits counts and bounds the open connections of a host with routes of type R. A
// connection counts from its handshake until its socket is released, which may be
// after on_close has run. Methods may be called concurrently.
type Limits[R comparable] struct {
	max        int // of the host
	perAddress int // not positive: no bound

	mu        sync.Mutex
	total     int
	byAddress map[netip.Addr]int // by clientip.LimitKey
	byRoute   map[R]int
	idleRoute map[R]chan struct{} // closed when the route has no connection
	idleAll   chan struct{}       // closed when the host has no connection; nil: the host is not closing
}

// New returns limits. max bounds the connections of the host, perAddress those of one
// address if it is positive.
func New[R comparable](max, perAddress int) *Limits[R] {
	return &Limits[R]{
		max:        max,
		perAddress: perAddress,
		byAddress:  map[netip.Addr]int{},
		byRoute:    map[R]int{},
		idleRoute:  map[R]chan struct{}{},
	}
}

// Acquire counts a connection, or returns the bound that it would exceed. perRoute
// bounds the connections of the route if it is positive.
func (l *Limits[R]) Acquire(route R, address netip.Addr, perRoute int) Bound {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.idleAll != nil:
		return Closing
	case l.total >= l.max:
		return Total
	case l.perAddress > 0 && l.byAddress[address] >= l.perAddress:
		return PerAddress
	case perRoute > 0 && l.byRoute[route] >= perRoute:
		return PerRoute
	}
	l.total++
	l.byAddress[address]++
	l.byRoute[route]++
	return None
}

// Release ends a connection that Acquire has counted.
func (l *Limits[R]) Release(route R, address netip.Addr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total--; l.total == 0 && l.idleAll != nil {
		close(l.idleAll)
	}
	if l.byRoute[route]--; l.byRoute[route] == 0 {
		delete(l.byRoute, route)
		if idle := l.idleRoute[route]; idle != nil {
			close(idle)
			delete(l.idleRoute, route)
		}
	}
	if l.byAddress[address]--; l.byAddress[address] == 0 {
		delete(l.byAddress, address)
	}
}

// Count returns the number of connections of the host.
func (l *Limits[R]) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// CountRoute returns the number of connections of a route.
func (l *Limits[R]) CountRoute(route R) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byRoute[route]
}

// Idle returns a Go channel that is closed when a route has no connection. The caller
// must have ended the route, so that it keeps no new connection. At most one caller
// may wait for a route.
func (l *Limits[R]) Idle(route R) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := make(chan struct{})
	if l.byRoute[route] == 0 {
		close(done)
	} else {
		l.idleRoute[route] = done
	}
	return done
}

// Close has Acquire refuse every connection from now on. It returns a Go channel that
// is closed when the host has no connection. It may be called more than once.
func (l *Limits[R]) Close() <-chan struct{} {
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
