package host

import (
	"context"
	"errors"
	"fmt"
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
