package admin

import (
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"unicode"

	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/origin"
)

// CheckToken returns an error if no request could carry the token in a header. The empty token is valid: it stands for
// none.
func CheckToken(token string) error {
	switch {
	case token != strings.TrimSpace(token):
		return errors.New("the token begins or ends with white space, which is lost in a header: remove it")
	case strings.ContainsFunc(token, unicode.IsControl):
		return errors.New("the token has control characters, which a header cannot carry: " +
			"make another, for example with openssl rand -hex 32")
	}
	return nil
}

// SetToken replaces Options.Token. It returns an error, and keeps the token, if the new one is not valid.
func (s *Server) SetToken(token string) error {
	if err := CheckToken(token); err != nil {
		return fmt.Errorf("Options.Token: %w", err)
	}
	if token == "" {
		s.tokenHash.Store(nil)
		return nil
	}
	sum := sha256.Sum256([]byte(token))
	s.tokenHash.Store(&sum)
	return nil
}

// authorize returns nil if the request may be answered.
//
// /livez and /readyz are open to everybody. Other paths refuse a browser that asks on behalf of a page of another
// origin: the page cannot read the answer, but a profile takes CPU time. With a token every request needs it. Without
// a token the Host header must be localhost or an IP address, so that a page whose name was rebound to 127.0.0.1 is
// refused, and the API, which can write, answers on loopback only.
func (s *Server) authorize(r *http.Request) *problem {
	hash := s.tokenHash.Load()
	switch {
	case r.URL.Path == "/livez" || r.URL.Path == "/readyz":
		return nil
	case isCrossOrigin(r):
		return newProblem(http.StatusForbidden, codeForbidden,
			"pages of another origin may not ask for this: open the address itself, or use a client that is not a browser")
	case hash != nil:
		if token, ok := auth.Bearer(r.Header.Get("Authorization")); !ok || !hasHash(token, hash) {
			return newProblem(http.StatusUnauthorized, codeUnauthorized, "a token is required: send Authorization: Bearer TOKEN")
		}
		return nil
	case !origin.HostAllowed(r, nil):
		return newProblem(http.StatusForbidden, codeForbidden,
			"this host name is not allowed: use localhost or an IP address, or set internal_token")
	case isAPI(r) && !isLoopback(r):
		return newProblem(http.StatusForbidden, codeForbidden, "beyond loopback the API needs a token: set internal_token")
	}
	return nil
}

// refuse answers with p: as JSON for the API, else in plain text.
func refuse(w http.ResponseWriter, r *http.Request, p *problem) {
	if p.Status == http.StatusUnauthorized {
		w.Header().Set("WWW-Authenticate", `Bearer realm="azuhost"`)
	}
	if isAPI(r) {
		writeProblem(w, p)
		return
	}
	http.Error(w, p.Detail, p.Status)
}

// isCrossOrigin reports whether a browser sent the request on behalf of a page of another origin. Clients that are not
// browsers send neither Sec-Fetch-Site nor Origin. Old browsers send Origin only, and not with every request.
// Sec-Fetch-Site is "none" if the user entered the address.
func isCrossOrigin(r *http.Request) bool {
	switch r.Header.Get("Sec-Fetch-Site") {
	case "":
		return !origin.Allowed(r, nil)
	case "same-origin", "none":
		return false
	}
	return true
}

func isAPI(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/api/") }

// isLoopback reports whether the request reached the server at a loopback address. A request without a TCP address
// did not come over a network, and counts as one.
func isLoopback(r *http.Request) bool {
	addr, ok := r.Context().Value(http.LocalAddrContextKey).(*net.TCPAddr)
	if !ok {
		return true
	}
	ip, ok := netip.AddrFromSlice(addr.IP)
	return ok && ip.Unmap().IsLoopback()
}

// hasHash compares the SHA-256 of a token in constant time.
func hasHash(token string, hash *[sha256.Size]byte) bool {
	sum := sha256.Sum256([]byte(token))
	return subtle.ConstantTimeCompare(sum[:], hash[:]) == 1
}
