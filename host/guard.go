package host

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"

	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/origin"
)

// guard stands before the internal handler. With Options.InternalToken it asks for
// it. Without one only requests pass that name the machine by an address or as
// localhost: a page that had its name resolved to 127.0.0.1 does not; and the API,
// which can do more than tell, answers on loopback only. What pages of other
// origins have a browser ask for is refused: they can not read the answer, but a
// profile takes the machine's time. /livez and /readyz are open to everybody.
type guard struct {
	host *Host
	next http.Handler
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	token := g.host.config.Load().InternalToken
	switch {
	case r.URL.Path == "/livez" || r.URL.Path == "/readyz":
	case foreignPage(r):
		refuseInternal(w, r, http.StatusForbidden, codeForbidden, "pages of another origin may not ask for this: open the address itself, or ask without a browser")
		return
	case token != "":
		if got, ok := auth.Bearer(r.Header.Get("Authorization")); !ok || !sameToken(got, token) {
			w.Header().Set("WWW-Authenticate", `Bearer realm="azuhost"`)
			refuseInternal(w, r, http.StatusUnauthorized, codeUnauthorized, "a token is needed: Authorization: Bearer …")
			return
		}
	case !origin.HostAllowed(r, nil):
		refuseInternal(w, r, http.StatusForbidden, codeForbidden, "this host name is not allowed: use localhost or an IP address, or set internal_token")
		return
	case inAPI(r) && !onLoopback(r):
		refuseInternal(w, r, http.StatusForbidden, codeForbidden, "beyond loopback the API needs a token: set internal_token")
		return
	}
	g.next.ServeHTTP(w, r)
}

// refuseInternal answers in the shape of the API, or in plain text.
func refuseInternal(w http.ResponseWriter, r *http.Request, status int, code, text string) {
	if inAPI(r) {
		writeProblem(w, newProblem(status, code, text))
		return
	}
	http.Error(w, text, status)
}

// foreignPage says whether a browser asks on behalf of a page that is not ours.
// What is no browser says neither; one that is old has the origin only, and not
// with every request. "none" is the user, who typed the address.
func foreignPage(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "":
		return !origin.Allowed(r, nil)
	case "same-origin", "none":
		return false
	}
	return true
}

func inAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// onLoopback says whether a request came to an address that only this machine
// reaches. One without an address did not come over a network.
func onLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return true
	}
	ip, ok := netip.AddrFromSlice(addr.IP)
	return ok && ip.Unmap().IsLoopback()
}

// CheckInternalToken says why a token can not be Options.InternalToken: no request
// could send it. The empty one is no token.
func CheckInternalToken(token string) error {
	switch {
	case token != strings.TrimSpace(token):
		return errors.New("the token begins or ends with white space, which a header loses: take it away")
	case strings.ContainsFunc(token, unicode.IsControl):
		return errors.New("the token has control characters in it, which a header can not carry: make another, as of openssl rand -hex 32")
	}
	return nil
}

// sameToken compares in a time that says nothing about either.
func sameToken(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
