package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/timer"
)

// errNoAuth is the error of a token for a route that checks none.
var errNoAuth = errors.New("the route checks no tokens")

// identifySubject identifies a new connection as the subject of its token, as the
// first effect of on_connect. The hook sees the user. A refusal drops the effect.
func (c *call) identifySubject() error {
	if c.hook != abi.OnConnect {
		return nil
	}
	t := c.conn.token.Load()
	if t == nil {
		return nil
	}
	if err := c.Identify(c.conn.member.ID, []byte(t.User)); err != nil {
		return fmt.Errorf("identify the subject of the token: %w", err)
	}
	return nil
}

// scheduleExpiry has the background loop close the connection when its current
// token expires.
func (c *conn) scheduleExpiry() {
	t := c.token.Load()
	if t == nil {
		return
	}
	c.timerMu.Lock()
	defer c.timerMu.Unlock()
	id := timer.ID{Conn: c.member.ID}
	switch {
	case c.timersDone:
	case t.Until.IsZero():
		c.rt.expiries.Clear(id)
	case c.rt.expiries.Set(id, t.Until):
		c.rt.wakeBackground()
	}
}

// tokenEnd returns when the current token expires, in seconds since 1970. It
// returns nil for no token, and for one that does not expire.
func (c *conn) tokenEnd() *int64 {
	t := c.token.Load()
	if t == nil || t.Expires.IsZero() {
		return nil
	}
	end := t.Expires.Unix()
	return &end
}

// replaceToken verifies a token and makes it the current one. Its subject must be
// that of the one before. An error changes nothing: it is errNoAuth or an
// *auth.Error; with auth.Unavailable a later try may succeed. replaceToken may wait
// for keys. It runs on the goroutine that reads the socket.
func (c *conn) replaceToken(token string) error {
	cfg := c.rt.host.config.Load()
	if cfg.auth == nil || !c.rt.settings.Load().route.Auth.checks() {
		return errNoAuth
	}
	ctx, cancel := context.WithTimeout(c.rt.host.ending, cfg.HandshakeTimeout)
	defer cancel()
	t, err := cfg.auth.Verify(ctx, token)
	if old := c.token.Load(); err == nil && (old == nil || old.User != t.User) {
		err = &auth.Error{Reason: auth.SubMismatch, Text: "the connection is not of its subject"}
	}
	if c.rt.countToken(err) != nil {
		return err
	}
	c.token.Store(t)
	c.scheduleExpiry()
	return nil
}

// expireTokens closes the connections whose tokens have expired.
func (rt *routeRuntime) expireTokens(outbox *hub.Outbox, now time.Time) {
	for {
		id, ok := rt.expiries.Take(now)
		if !ok {
			return
		}
		m := rt.hub.Member(id.Conn)
		if m == nil {
			continue
		}
		c := m.Sink().(*conn)
		if t := c.token.Load(); t.Until.IsZero() || t.Until.After(now) {
			continue // it was refreshed meanwhile
		}
		c.closing.Store(true)
		rt.host.metrics.auth.expiries.WithLabelValues(rt.pattern).Inc()
		outbox.After(&c.member, func() { c.sock.Close(closeTokenExpired, "token expired") })
	}
}

// Close codes about tokens, of IANA's registry of WebSocket close codes.
const (
	closeUnauthorized = 3000
	closeTokenExpired = 3005
)

// authenticate verifies the token of a handshake, if the route verifies tokens, and
// stores it with the connection. It returns the request without the token, so that a
// plugin gets the claims only and cannot leak the token.
func (rt *routeRuntime) authenticate(
	ctx context.Context,
	set *settings,
	c *conn,
	r *http.Request,
) (*http.Request, error) {
	mode := set.route.Auth
	if !mode.checks() {
		return r, nil
	}
	v := rt.host.config.Load().auth
	if v == nil { // a reload that removes Options.Auth is under way
		return nil, rt.countToken(&auth.Error{Reason: auth.Unavailable, Text: "no keys are configured"})
	}
	token, err := v.Find(r)
	if err != nil {
		return nil, rt.countToken(err)
	}
	if token == "" && mode == AuthOptional {
		return r, nil
	}
	t, err := v.Verify(ctx, token)
	if rt.countToken(err) != nil {
		return nil, err
	}
	c.token.Store(t)
	return v.Strip(r), nil
}

// tokenOK is the result of a token that is accepted, a label of azuhost_auth_total. The
// others are those of auth.Reason.
const tokenOK = "ok"

// countToken counts the result of verifying a token. It returns err.
func (rt *routeRuntime) countToken(err error) error {
	result := tokenOK
	if err != nil {
		result = string(reasonOf(err))
		rt.log.Debug("token refused", "err", err)
	}
	rt.host.metrics.auth.tokens.WithLabelValues(rt.pattern, result).Inc()
	return err
}

// reasonOf returns the reason of an error of package auth.
func reasonOf(err error) auth.Reason {
	var e *auth.Error
	if errors.As(err, &e) {
		return e.Reason
	}
	return auth.Unavailable
}

// tokenRefusal returns the HTTP status and the text for a token that is refused. The
// text does not say what is wrong with an invalid token.
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

// refuseToken refuses a handshake for its token.
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

// challenge returns a WWW-Authenticate header (RFC 6750, section 3).
func challenge(err error, text string) string {
	const realm = `Bearer realm="azuhost"`
	if reasonOf(err) == auth.Missing {
		return realm
	}
	return realm + `, error="invalid_token", error_description="` + text + `"`
}

// checkKeys returns an error if a route needs keys that were never fetched or are too
// old: the host is not ready. After a first fetch, a host with routes that need no token
// stays ready, as the issuer fails for all nodes at once.
func (h *Host) checkKeys() error {
	v := h.config.Load().auth
	if v == nil {
		return nil
	}
	s, ok := v.Status()
	if !ok || !s.Stale {
		return nil
	}
	needed, optional := false, false
	for _, rt := range h.runtimes() {
		switch rt.settings.Load().route.Auth {
		case AuthRequired:
			needed = true
		case AuthOptional:
			needed, optional = true, true
		default:
			optional = true
		}
	}
	if !needed || optional && !s.Fetched.IsZero() {
		return nil
	}
	return fmt.Errorf("auth: the keys of jwks_url could not be fetched: %w", cmp.Or(s.Err, errNotFetched))
}

var errNotFetched = errors.New("not yet")

// keysNote returns the note of Ready about keys that cannot be fetched. "": there is none.
func (h *Host) keysNote() string {
	if v := h.config.Load().auth; v != nil {
		if s, _ := v.Status(); s.Err != nil {
			return fmt.Sprintf("auth: the keys of jwks_url could not be fetched: %v", s.Err)
		}
	}
	return ""
}
