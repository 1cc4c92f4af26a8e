package main

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
)

// guard stands before the internal handler. With a token it asks for it;
// without one the listener is on loopback, and only requests that name the
// machine so pass: a page that had its name resolved to 127.0.0.1 does not.
// /livez and /readyz are open to everybody.
type guard struct {
	next  http.Handler
	token atomic.Pointer[string]
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case r.URL.Path == "/livez" || r.URL.Path == "/readyz":
	case *g.token.Load() != "":
		if !sameToken(bearer(r), *g.token.Load()) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="azuhost"`)
			http.Error(w, "a token is needed: Authorization: Bearer …", http.StatusUnauthorized)
			return
		}
	case !localName(r.Host):
		http.Error(w, "this host name is not allowed: use localhost or an IP address, or set internal_token", http.StatusForbidden)
		return
	}
	g.next.ServeHTTP(w, r)
}

// bearer returns the token of a request (RFC 6750, section 2.1). The name of
// the scheme is case-insensitive (RFC 9110, section 11.1).
func bearer(r *http.Request) string {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(token)
}

// sameToken compares in a time that says nothing about either.
func sameToken(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}

// localName says whether a Host header is localhost or an IP address.
func localName(hostport string) bool {
	name := hostport
	if h, _, err := net.SplitHostPort(hostport); err == nil {
		name = h
	}
	name = strings.TrimSuffix(strings.TrimPrefix(name, "["), "]")
	if strings.EqualFold(name, "localhost") {
		return true
	}
	_, err := netip.ParseAddr(name)
	return err == nil
}
