// Package clientip finds the IP address of the client that sent a request, also behind trusted proxies.
package clientip

import (
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
)

// FromRequest returns the address of the client. It is the address of the peer, unless the peer is a trusted proxy:
// then it is the last address in X-Forwarded-For that is not a trusted proxy, because anybody can write those before
// it. An entry that is not an address ends the search. The result is unmapped, has no zone, and is invalid if
// r.RemoteAddr is not an address.
func FromRequest(r *http.Request, trusted []netip.Prefix) netip.Addr {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	addr, _ := netip.ParseAddr(host)
	addr = addr.Unmap().WithZone("")
	hops := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for _, hop := range slices.Backward(hops) {
		if !contains(trusted, addr) {
			break
		}
		a, err := parseHop(strings.TrimSpace(hop))
		if err != nil {
			break
		}
		addr = a.Unmap().WithZone("")
	}
	return addr
}

// LimitKey returns the address under which a limit per client counts a. For IPv4 this is a itself. For IPv6 it is the
// /64 of a, the smallest network that providers assign to a customer (RFC 6177).
func LimitKey(a netip.Addr) netip.Addr {
	if a.Is6() {
		if p, err := a.Prefix(64); err == nil {
			return p.Addr()
		}
	}
	return a
}

// parseHop parses an entry of X-Forwarded-For. Some proxies add the port: 192.0.2.1:99, [2001:db8::1]:99.
func parseHop(text string) (netip.Addr, error) {
	if p, err := netip.ParseAddrPort(text); err == nil {
		return p.Addr(), nil
	}
	if in, ok := strings.CutPrefix(text, "["); ok {
		text = strings.TrimSuffix(in, "]")
	}
	return netip.ParseAddr(text)
}

func contains(networks []netip.Prefix, a netip.Addr) bool {
	return slices.ContainsFunc(networks, func(p netip.Prefix) bool { return p.Contains(a) })
}
