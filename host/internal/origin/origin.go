// Package origin decides which web pages may open a WebSocket.
//
// A browser sends two names with a handshake: the origin of the page (RFC 6454) and the host that it connects to.
// With DNS rebinding an attacker's page controls both: its own name resolves to this server, and the two agree.
// A handshake is safe only if HostAllowed and Allowed both return true.
package origin

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"path"
	"slices"
	"strings"
)

// HostAllowed reports whether the Host header of r is a name of this server: one that matches a pattern in allowed.
// With no patterns it accepts localhost, names under .localhost and IP addresses. DNS rebinding cannot use these names,
// because no foreign name server answers for them.
func HostAllowed(r *http.Request, allowed []string) bool {
	name := hostname(r.Host)
	if name == "" {
		return false
	}
	if len(allowed) == 0 {
		if _, err := netip.ParseAddr(name); err == nil {
			return true
		}
		return name == "localhost" || strings.HasSuffix(name, ".localhost")
	}
	return slices.ContainsFunc(allowed, func(pattern string) bool { return match(strings.ToLower(pattern), name) })
}

// Allowed reports whether the page that sent r may connect: its origin has the host of r, or matches a pattern in
// allowed. A pattern is a host ("*.example.com"), a host with a port, or a full origin with a scheme. The default port
// of a scheme equals no port, in the request and in patterns (RFC 6454, section 4).
// A request without an Origin header does not come from a browser and is allowed.
func Allowed(r *http.Request, allowed []string) bool {
	origins := r.Header["Origin"]
	if len(origins) == 0 {
		return true
	}
	if len(origins) > 1 {
		return false
	}
	u, err := url.Parse(origins[0])
	if err != nil || u.Host == "" { // "null", from a sandboxed page or a file
		return slices.Contains(allowed, "*")
	}
	if strings.EqualFold(withoutDefaultPort(u.Scheme, u.Host), withoutDefaultPort(u.Scheme, r.Host)) {
		return true
	}
	return slices.ContainsFunc(allowed, func(pattern string) bool { return matchOrigin(strings.ToLower(pattern), u) })
}

// matchOrigin compares the part of an origin that the pattern names: the host, with its port and scheme if the
// pattern has them. The pattern is in lower case.
func matchOrigin(pattern string, origin *url.URL) bool {
	scheme, host := strings.ToLower(origin.Scheme), strings.ToLower(origin.Host)
	if strings.Contains(pattern, "://") {
		return match(pattern, scheme+"://"+withoutDefaultPort(scheme, host)) ||
			match(pattern, scheme+"://"+withDefaultPort(scheme, host))
	}
	if strings.Contains(pattern, ":") {
		return match(pattern, host) || match(pattern, withDefaultPort(scheme, host))
	}
	return match(pattern, hostname(host))
}

// defaultPort returns the default port of a scheme, empty for a scheme that is not of the web.
func defaultPort(scheme string) string {
	switch pageScheme(strings.ToLower(scheme)) {
	case "https":
		return "443"
	case "http":
		return "80"
	}
	return ""
}

// withoutDefaultPort removes the port of a host if it is the default port of the scheme.
func withoutDefaultPort(scheme, host string) string {
	if port := defaultPort(scheme); port != "" {
		return strings.TrimSuffix(host, ":"+port)
	}
	return host
}

// withDefaultPort adds the default port of the scheme to a host without a port.
func withDefaultPort(scheme, host string) string {
	port := defaultPort(scheme)
	if _, _, err := net.SplitHostPort(host); err == nil || port == "" {
		return host
	}
	return host + ":" + port
}

// match reports whether name equals pattern or matches it by path.Match.
func match(pattern, name string) bool {
	if pattern == "*" || pattern == name {
		return true
	}
	ok, err := path.Match(pattern, name)
	return err == nil && ok
}

// hostname returns the name or address in hostport in lower case, without port, brackets and final dot.
func hostname(hostport string) string {
	h := hostport
	if name, _, err := net.SplitHostPort(hostport); err == nil {
		h = name
	}
	h = strings.TrimSuffix(strings.TrimPrefix(h, "["), "]")
	return strings.ToLower(strings.TrimSuffix(h, "."))
}
