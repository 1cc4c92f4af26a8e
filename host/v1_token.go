package host

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// errNoAuth says that a route checks no tokens.
var errNoAuth = errors.New("the route checks no tokens")

// identifySubject makes the subject of a verified token the user of its connection,
// as if on_connect had asked for it first: it sees it, and undoes it by refusing.
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

// watchToken has the connection closed when its token ends. It is called when a
// token has come to hold.
func (c *conn) watchToken() {
	t := c.token.Load()
	if t == nil {
		return
	}
	c.timerMu.Lock()
	defer c.timerMu.Unlock()
	id := timerID{conn: c.member.ID}
	switch {
	case c.closed:
	case t.Until.IsZero():
		c.rt.expiries.clear(id)
	case c.rt.expiries.set(id, t.Until):
		c.rt.wakeBackground()
	}
}

// refreshToken makes another token of the same subject the one that holds, and
// says when that expires (zero: never). On error nothing has changed: it is
// errNoAuth, or an *auth.Error, whose reason Unavailable means that a later try
// may work. It is for the goroutine of the connection's reader, and may wait for
// keys.
func (c *conn) refreshToken(token string) (expires time.Time, err error) {
	cfg := c.rt.host.config.Load()
	if cfg.auth == nil || !c.rt.settings.Load().route.Auth.checks() {
		return time.Time{}, errNoAuth
	}
	ctx, cancel := context.WithTimeout(c.rt.host.ending, cfg.handshake)
	defer cancel()
	t, err := cfg.auth.Verify(ctx, token)
	if old := c.token.Load(); err == nil && (old == nil || old.User != t.User) {
		err = &auth.Error{Reason: auth.SubMismatch, Text: "the connection is not of its subject"}
	}
	if c.rt.judged(err) != nil {
		return time.Time{}, err
	}
	c.token.Store(t)
	c.watchToken()
	return t.Expires, nil
}

// expireTokens closes the connections whose tokens have ended. It is the clerk's.
func (rt *routeRuntime) expireTokens(outbox *hub.Outbox, now time.Time) {
	for {
		id, ok := rt.expiries.take(now)
		if !ok {
			return
		}
		m := rt.hub.Member(id.conn)
		if m == nil {
			continue
		}
		c := m.Sink().(*conn)
		if t := c.token.Load(); t.Until.IsZero() || t.Until.After(now) {
			continue // it was refreshed in the meantime
		}
		c.ending.Store(true)
		rt.host.metrics.auth.expiries.WithLabelValues(rt.pattern).Inc()
		outbox.After(&c.member, func() { c.sock.Close(closeTokenExpired, "token expired") })
	}
}

// tokenEnd is when the token of the connection expires, in seconds since 1970;
// nil: never, or there is none.
func (c *conn) tokenEnd() *int64 {
	t := c.token.Load()
	if t == nil || t.Expires.IsZero() {
		return nil
	}
	end := t.Expires.Unix()
	return &end
}

// tokenAnswer tells the client that its new token holds.
type tokenAnswer struct {
	Type      string  `json:"type"`
	ID        float64 `json:"id"`
	ExpiresAt *int64  `json:"expires_at,omitempty"`
}

// refresh handles the control message token.
func (c *conn) refresh(r request) error {
	_, err := c.refreshToken(r.Token)
	switch {
	case err == nil:
		c.answer(tokenAnswer{"token", r.ID, c.tokenEnd()})
		return nil
	case errors.Is(err, errNoAuth):
		return refuseControl("NO_AUTH", "the route checks no tokens")
	case reasonOf(err) == auth.Unavailable:
		return refuseControl("UNAVAILABLE", "tokens can not be checked at the moment")
	}
	_, text := tokenRefusal(err)
	return refuseControl("UNAUTHORIZED", text)
}
