package host

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/socket"
)

// ServeHTTP is the public handler: it serves channels and nothing else.
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h.mux.Load().ServeHTTP(w, r)
}

// ServeHTTP takes a handshake: checks, on_connect, upgrade.
func (ch *channel) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if ch.host.closing.Load() {
		ch.refuseClosing(w)
		return
	}
	set := ch.settings.Load()
	if status, text, why := ch.check(set, r); status != 0 {
		ch.refuse(w, status, text, why)
		return
	}
	if after, ok := ch.quarantined(ch.host.now()); ok {
		w.Header().Set("Retry-After", after)
		ch.refuse(w, http.StatusServiceUnavailable, "the channel is out of order for a moment", refusedQuarantine)
		return
	}
	c := ch.newConn(set, r)
	for _, p := range c.params {
		if !validName(p) {
			ch.refuse(w, http.StatusBadRequest, "a parameter of the path is empty, too long or not clean UTF-8", refusedParam)
			return
		}
	}
	if why, ok := ch.host.limits.acquire(c, set.limits.MaxConnections); !ok {
		status, text := http.StatusServiceUnavailable, "too many connections"
		switch why {
		case refusedAddress:
			status = http.StatusTooManyRequests
		case refusedClosing:
			text = "the server is going away"
		}
		w.Header().Set("Retry-After", "5")
		ch.refuse(w, status, text, why)
		return
	}
	ch.connect(set, c, w, r)
}

// check says what is wrong with a handshake; status 0: nothing.
func (ch *channel) check(set *settings, r *http.Request) (status int, text string, why refusal) {
	cfg := ch.host.config.Load()
	if status, text := socket.CheckHandshake(r); status != 0 {
		return status, text, refusedHandshake
	}
	if !hostAllowed(r, cfg.AllowedHosts) {
		return http.StatusForbidden, "this host name is not served here; allowed_hosts names those that are", refusedHost
	}
	origins := set.route.AllowedOrigins
	if origins == nil {
		origins = cfg.AllowedOrigins
	}
	if !originAllowed(r, origins) {
		return http.StatusForbidden, "pages of this origin may not connect; allowed_origins names those that may", refusedOrigin
	}
	return 0, "", ""
}

// refuse answers a handshake that fails before on_connect is asked.
func (ch *channel) refuse(w http.ResponseWriter, status int, text string, why refusal) {
	ch.host.metrics.refused.WithLabelValues(ch.pattern, string(why)).Inc()
	if status == http.StatusUpgradeRequired {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	http.Error(w, text, status)
}

func (ch *channel) newConn(set *settings, r *http.Request) *conn {
	cfg := ch.host.config.Load()
	addr := clientAddr(r, cfg.proxies)
	c := &conn{
		ch:          ch,
		remote:      addr.String(),
		address:     limitKey(addr),
		subprotocol: cmp.Or(socket.Subprotocol(r, []string{Protocol}), socket.Subprotocol(r, set.route.Subprotocols)),
		since:       time.Now().UnixNano(),
		turn:        hub.Turn{Hub: ch.hub},
	}
	for _, p := range ch.params {
		c.params = append(c.params, r.PathValue(p))
	}
	c.member = hub.MakeMember(ch.host.nextID.Add(1), c, c.speaksV1())
	c.sock = ch.host.sockets.NewConn(&set.sock, c)
	if c.speaksV1() {
		c.sock.Speaks()
	}
	return c
}

// connect checks the token, asks on_connect and upgrades. What the hook sends waits in the
// connection until the upgrade has been answered, so that the instance is free
// for others meanwhile.
func (ch *channel) connect(set *settings, c *conn, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), ch.host.config.Load().handshake)
	defer cancel()
	stripped, err := ch.authenticate(ctx, set, c, r)
	if err != nil {
		ch.refuseToken(set, c, w, r, err)
		return
	}
	r = stripped
	ev := Event{Hook: abi.OnConnect, Conn: c.member.ID, Data: []byte(r.URL.RequestURI())}
	status, code := 0, 0
	err = ch.runCall(ctx, &ev, c, r, &c.turn, extras{refused: func(k *call, err error) {
		if status, code = refusedWith(err); code != 0 {
			k.commitRefused()
		}
	}})
	if err == nil {
		c.accepted = true
		ch.metrics.accepted.Inc()
		c.watchToken()
		c.turn.Flush()
	} else if code == 0 {
		ch.host.limits.release(c)
		why := refusedUnavailable
		var he *plugin.HookError
		if errors.As(err, &he) && refuses(abi.OnConnect, he.Code) {
			why = refusedPlugin
		}
		ch.refuse(w, status, http.StatusText(status), why)
		return
	} else {
		ch.host.metrics.refused.WithLabelValues(ch.pattern, string(refusedPlugin)).Inc()
		c.sock.Close(code, "")
	}
	ch.upgrade(c, w, r)
	switch { // what happened since it was counted
	case ch.host.closing.Load():
		c.goAway(ch.host.comeBack())
	case ch.retired.Load():
		c.leave(1001, goneReason)
	}
}

func (ch *channel) upgrade(c *conn, w http.ResponseWriter, r *http.Request) {
	if err := c.sock.Upgrade(w, r, c.subprotocol); err != nil {
		ch.host.metrics.refused.WithLabelValues(ch.pattern, string(refusedUpgrade)).Inc()
		ch.log.Debug("upgrade failed", "err", err)
	}
}

// refusedWith says how a failed on_connect is answered: with an HTTP status,
// or after the upgrade with a close code.
func refusedWith(err error) (status, code int) {
	var he *plugin.HookError
	if errors.As(err, &he) {
		switch {
		case he.Code >= abi.MinRefuse && he.Code <= abi.MaxRefuse:
			return int(he.Code), 0
		case he.Code >= abi.MinRefuseClose && he.Code <= abi.MaxRefuseClose:
			return 0, int(he.Code)
		}
		return http.StatusInternalServerError, 0
	}
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, abi.Limit) || errors.Is(err, plugin.ErrNotLoaded) {
		return http.StatusServiceUnavailable, 0
	}
	return http.StatusInternalServerError, 0
}
