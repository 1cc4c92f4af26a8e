package host

import (
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync"
)

// connLimits bounds the open connections: those whose socket is not closed yet,
// although on_close may have run.
type connLimits struct {
	mu        sync.Mutex
	max       int
	perAddr   int
	total     int
	byAddress map[netip.Addr]int
	byRoute   map[*routeRuntime]int
	waiting   map[*routeRuntime]chan struct{} // closed when the channel has no connection
	idleAll   chan struct{}                   // nil, or the host is closing: closed when there is no connection
}

// refusal is why a handshake is refused; it is a metric label.
type refusal string

const (
	refusedHandshake   refusal = "handshake"
	refusedHost        refusal = "host"
	refusedOrigin      refusal = "origin"
	refusedParam       refusal = "param"
	refusedAuth        refusal = "auth"
	refusedTotal       refusal = "connections"
	refusedAddress     refusal = "connections_per_address"
	refusedRoute       refusal = "connections_per_route"
	refusedQuarantine  refusal = "quarantine"
	refusedPlugin      refusal = "plugin"
	refusedUnavailable refusal = "unavailable"
	refusedUpgrade     refusal = "upgrade"
	refusedClosing     refusal = "closing"
)

// acquire counts a connection, or says which bound it is over.
func (l *connLimits) acquire(c *conn, perRoute int) (r refusal, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	switch {
	case l.idleAll != nil, c.rt.retired.Load():
		return refusedClosing, false
	case l.total >= l.max:
		return refusedTotal, false
	case l.perAddr > 0 && l.byAddress[c.address] >= l.perAddr:
		return refusedAddress, false
	case perRoute > 0 && l.byRoute[c.rt] >= perRoute:
		return refusedRoute, false
	}
	l.total++
	l.byAddress[c.address]++
	l.byRoute[c.rt]++
	return "", true
}

func (l *connLimits) release(c *conn) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.total--; l.total == 0 && l.idleAll != nil {
		close(l.idleAll)
	}
	if l.byRoute[c.rt]--; l.byRoute[c.rt] == 0 {
		delete(l.byRoute, c.rt)
		if w := l.waiting[c.rt]; w != nil {
			close(w)
			delete(l.waiting, c.rt)
		}
	}
	if l.byAddress[c.address]--; l.byAddress[c.address] == 0 {
		delete(l.byAddress, c.address)
	}
}

// open counts the connections of a channel, those included that are on their
// way in or out.
func (l *connLimits) open(rt *routeRuntime) int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.byRoute[rt]
}

// idle is closed when a channel that takes no more connections has none.
func (l *connLimits) idle(rt *routeRuntime) <-chan struct{} {
	l.mu.Lock()
	defer l.mu.Unlock()
	done := make(chan struct{})
	if l.byRoute[rt] == 0 {
		close(done)
	} else {
		l.waiting[rt] = done
	}
	return done
}

// close takes no more connections. The channel is closed when there is none.
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

// all counts the connections of the host, those included that are on their way
// in or out.
func (l *connLimits) all() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.total
}

// parseNetworks reads networks in CIDR notation, or single addresses.
func parseNetworks(list []string) ([]netip.Prefix, error) {
	var out []netip.Prefix
	for _, s := range list {
		p, err := parseNetwork(s)
		if err != nil {
			return nil, err
		}
		out = append(out, p)
	}
	return out, nil
}

// CheckTrustedProxy says what is wrong with an entry of Options.TrustedProxies.
func CheckTrustedProxy(text string) error {
	_, err := parseNetwork(text)
	return err
}

// parseNetwork reads a network or an address. One of IPv4 in IPv6 becomes one of
// IPv4, as the addresses do that it is compared with.
func parseNetwork(text string) (netip.Prefix, error) {
	if a, err := netip.ParseAddr(text); err == nil {
		a = a.Unmap()
		return netip.PrefixFrom(a, a.BitLen()), nil
	}
	p, err := netip.ParsePrefix(text)
	if err != nil {
		return p, fmt.Errorf(`%q is neither a network, as in "10.0.0.0/8", nor an address`, text)
	}
	if p.Addr().Is4In6() {
		if p.Bits() < 96 {
			return p, fmt.Errorf("%q is larger than IPv4 is in IPv6: write 0.0.0.0/0 for all of IPv4", text)
		}
		p = netip.PrefixFrom(p.Addr().Unmap(), p.Bits()-96)
	}
	return p.Masked(), nil
}

// clientAddr is the address of the client: the peer's, or, when the peer is a
// proxy that we trust, the last address in X-Forwarded-For that is none.
func clientAddr(r *http.Request, trusted []netip.Prefix) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, _ := netip.ParseAddr(host)
	addr = addr.Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(hops) - 1; i >= 0 && within(addr, trusted); i-- {
		a, err := parseHop(strings.TrimSpace(hops[i]))
		if err != nil {
			break
		}
		addr = a.Unmap().WithZone("")
	}
	return addr
}

// parseHop reads an address in X-Forwarded-For, to which some proxies add the
// port: 192.0.2.1:99, [2001:db8::1]:99.
func parseHop(text string) (netip.Addr, error) {
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr(), nil
	}
	if in, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(in, "]")
	}
	return netip.ParseAddr(text)
}

func within(a netip.Addr, nets []netip.Prefix) bool {
	for _, p := range nets {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// limitKey is what the limit per address counts: an IPv4 address, or the /64
// that an IPv6 customer has at least.
func limitKey(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}
