package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/azuhost/azuhost/host/internal/auth"
)

// Close codes about tokens, from the registry of WebSocket close codes (IANA).
const (
	closeUnauthorized = 3000
	closeTokenExpired = 3005
)

// authenticate verifies the token of a handshake, where the route wants one, and
// keeps it with the connection. It gives the request without the token: a plugin
// has its claims, and can not lose what it does not have. A request of a route
// that looks at no token stays as it is.
func (rt *routeRuntime) authenticate(ctx context.Context, set *settings, c *conn, r *http.Request) (*http.Request, error) {
	mode := set.route.Auth
	if !mode.checks() {
		return r, nil
	}
	v := rt.host.config.Load().auth
	if v == nil { // a reload is under way that takes it away from the route, too
		return nil, rt.judged(&auth.Error{Reason: auth.Unavailable, Text: "nothing to check it with"})
	}
	token, err := v.Find(r)
	if err != nil {
		return nil, rt.judged(err)
	}
	if token == "" && mode == AuthOptional {
		return r, nil
	}
	t, err := v.Verify(ctx, token)
	if rt.judged(err) != nil {
		return nil, err
	}
	c.token.Store(t)
	return v.Strip(r), nil
}

// judged counts a token that was looked at. It returns err.
func (rt *routeRuntime) judged(err error) error {
	result := "ok"
	if err != nil {
		result = string(reasonOf(err))
		rt.log.Debug("token refused", "err", err)
	}
	rt.host.metrics.auth.tokens.WithLabelValues(rt.pattern, result).Inc()
	return err
}

func reasonOf(err error) auth.Reason {
	var e *auth.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return auth.Unavailable
}

// tokenRefusal says how a token that is refused is answered. The text tells a client
// what to do, and an attacker nothing.
func tokenRefusal(err error) (status int, text string) {
	switch reasonOf(err) {
	case auth.Unavailable:
		return http.StatusServiceUnavailable, "tokens can not be checked at the moment"
	case auth.Ambiguous:
		return http.StatusBadRequest, "the request has two tokens that differ: send one"
	case auth.Missing:
		return http.StatusUnauthorized, "token missing"
	case auth.Expired:
		return http.StatusUnauthorized, "token expired"
	}
	return http.StatusUnauthorized, "token invalid"
}

// refuseToken answers a handshake whose token is refused.
func (rt *routeRuntime) refuseToken(set *settings, c *conn, w http.ResponseWriter, r *http.Request, err error) {
	status, text := tokenRefusal(err)
	if status == http.StatusUnauthorized && set.route.AuthRefusal == RefuseClose {
		rt.host.metrics.refused.WithLabelValues(rt.pattern, string(refusedAuth)).Inc()
		c.sock.Close(closeUnauthorized, text)
		rt.upgrade(c, w, r)
		return
	}
	c.uncount()
	switch status {
	case http.StatusServiceUnavailable:
		w.Header().Set("Retry-After", "5")
	case http.StatusUnauthorized:
		w.Header().Set("WWW-Authenticate", challenge(err, text))
	}
	rt.refuse(w, status, text, refusedAuth)
}

// challenge is a WWW-Authenticate header (RFC 6750, section 3).
func challenge(err error, text string) string {
	const realm = `Bearer realm="azuhost"`
	if reasonOf(err) == auth.Missing {
		return realm
	}
	return realm + `, error="invalid_token", error_description="` + text + `"`
}

// keysMissing says why a node is not ready: it never had the keys that tokens are
// checked with, or they are too old, and no route can be used without. A node
// that has once been ready stays so where some routes need no token, for its
// issuer is out of order for all nodes.
func (h *Host) keysMissing() error {
	v := h.config.Load().auth
	if v == nil {
		return nil
	}
	s, ok := v.Status()
	if !ok || !s.Stale {
		return nil
	}
	using, without := false, false
	for _, rt := range h.runtimes() {
		switch rt.settings.Load().route.Auth {
		case AuthRequired:
			using = true
		case AuthOptional:
			using, without = true, true
		default:
			without = true
		}
	}
	if !using || without && !s.Fetched.IsZero() {
		return nil
	}
	return fmt.Errorf("auth: the keys of jwks_url could not be fetched: %w", cmp.Or(s.Err, errNotFetched))
}

var errNotFetched = errors.New("not yet")

// keysNote is the line of /readyz about keys that can not be fetched; empty: all is well.
func (h *Host) keysNote() string {
	if v := h.config.Load().auth; v != nil {
		if s, _ := v.Status(); s.Err != nil {
			return fmt.Sprintf("auth: the keys of jwks_url could not be fetched: %v\n", s.Err)
		}
	}
	return ""
}
