package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/clientip"
	"github.com/azuhost/azuhost/host/internal/connlimit"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/host/internal/origin"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/routepath"
	"github.com/azuhost/azuhost/host/internal/socket"
)

// refusal is the reason of a refused handshake, a label of the metric
// azuhost_connections_refused_total.
type refusal string

const (
	refusedHandshake   refusal = "handshake"
	refusedHost        refusal = "host"
	refusedOrigin      refusal = "origin"
	refusedParam       refusal = "param"
	refusedAuth        refusal = "auth"
	refusedTotal       refusal = "connections"
	refusedAddress     refusal = "connections_per_address"
	refusedRoute       refusal = "connections_per_route"
	refusedQuarantine  refusal = "quarantine"
	refusedPlugin      refusal = "plugin"
	refusedUnavailable refusal = "unavailable"
	refusedUpgrade     refusal = "upgrade"
	refusedClosing     refusal = "closing"
)

// refusals lists all reasons.
var refusals = []refusal{
	refusedHandshake, refusedHost, refusedOrigin, refusedParam, refusedAuth, refusedTotal, refusedAddress, refusedRoute,
	refusedQuarantine, refusedPlugin, refusedUnavailable, refusedUpgrade, refusedClosing,
}

// ServeHTTP serves the routes: it takes WebSocket handshakes for their paths, and
// answers 404 to other paths. It answers a path that differs from that of a route in
// slashes or dots with the right one. It does not redirect, as browsers do not follow a
// redirect of a handshake (WHATWG, WebSockets standard, section 2).
func (h *Host) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mux := h.mux.Load()
	if path := r.URL.EscapedPath(); r.Method != http.MethodConnect { // which ServeMux does not redirect
		if clean := routepath.Clean(path); clean != path {
			http.Error(w, fmt.Sprintf("the path is not clean: connect to %s", clean), http.StatusBadRequest)
			return
		}
		if _, pattern := mux.Handler(r); routepath.NeedsSlash(pattern, path) {
			http.Error(w, fmt.Sprintf("no route has this path: connect to %s/", path), http.StatusNotFound)
			return
		}
	}
	mux.ServeHTTP(w, r)
}

// ServeHTTP takes a handshake: it checks the request, runs on_connect and upgrades
// the connection.
func (rt *routeRuntime) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if rt.host.closing.Load() {
		rt.refuseClosing(w)
		return
	}
	set := rt.settings.Load()
	if status, text, why := rt.checkHandshake(set, r); status != 0 {
		rt.refuse(w, status, text, why)
		return
	}
	if after, ok := rt.retryAfter(rt.host.now()); ok {
		w.Header().Set("Retry-After", after)
		rt.refuse(w, http.StatusServiceUnavailable, "the channel is out of order for a moment", refusedQuarantine)
		return
	}
	c := rt.newConn(set, r)
	for _, p := range c.params {
		if !naming.Valid(p) {
			rt.refuse(w, http.StatusBadRequest, "a parameter of the path is empty, too long or not clean UTF-8", refusedParam)
			return
		}
	}
	if !rt.count(set, c, w) {
		return
	}
	rt.connect(set, c, w, r)
}

// count counts a new connection, or refuses its handshake where a bound is reached.
func (rt *routeRuntime) count(set *settings, c *conn, w http.ResponseWriter) bool {
	bound := rt.host.limits.Acquire(rt, c.address, set.limits.MaxConnections)
	if bound == connlimit.None {
		if !rt.retired.Load() { // read after Acquire: Host.retire waits for the connections that are counted
			return true
		}
		c.uncount()
		bound = connlimit.Closing
	}
	status, text, why := http.StatusServiceUnavailable, "too many connections", refusedTotal
	switch bound {
	case connlimit.Closing:
		text, why = "the server is going away", refusedClosing
	case connlimit.PerAddress:
		status, why = http.StatusTooManyRequests, refusedAddress
	case connlimit.PerRoute:
		why = refusedRoute
	}
	w.Header().Set("Retry-After", "5")
	rt.refuse(w, status, text, why)
	return false
}

// checkHandshake checks a handshake before a connection is made for it. status is 0 for
// a handshake that may go on. Otherwise the results are the answer and the reason.
func (rt *routeRuntime) checkHandshake(set *settings, r *http.Request) (status int, text string, why refusal) {
	cfg := rt.host.config.Load()
	if status, text := socket.CheckHandshake(r); status != 0 {
		return status, text, refusedHandshake
	}
	if !origin.HostAllowed(r, cfg.AllowedHosts) {
		if name := clip(r.Host); rt.host.refused.First("host " + name) {
			rt.log.Warn("host name refused", "host", name, "fix", "add it to allowed_hosts if clients may use it")
		}
		return http.StatusForbidden, "this host name is not served here; allowed_hosts names those that are", refusedHost
	}
	origins := set.route.AllowedOrigins
	if origins == nil {
		origins = cfg.AllowedOrigins
	}
	if !origin.Allowed(r, origins) {
		if page := clip(r.Header.Get("Origin")); rt.host.refused.First("origin " + page) {
			rt.log.Warn("origin refused", "origin", page, "fix", "add it to allowed_origins if its pages may connect")
		}
		return http.StatusForbidden, "pages of this origin may not connect; allowed_origins names those that may",
			refusedOrigin
	}
	return 0, "", ""
}

// clip shortens a header for the log.
func clip(header string) string { return header[:min(len(header), 200)] }

// HostAllowed reports whether the Host header of r matches Options.AllowedHosts. It
// is for pages that a program serves beside the host.
func (h *Host) HostAllowed(r *http.Request) bool {
	return origin.HostAllowed(r, h.config.Load().AllowedHosts)
}

// refuse refuses a handshake with an HTTP status, and counts it.
func (rt *routeRuntime) refuse(w http.ResponseWriter, status int, text string, why refusal) {
	rt.host.metrics.refused.WithLabelValues(rt.pattern, string(why)).Inc()
	if status == http.StatusUpgradeRequired {
		w.Header().Set("Connection", "Upgrade")
		w.Header().Set("Upgrade", "websocket")
		w.Header().Set("Sec-WebSocket-Version", "13")
	}
	http.Error(w, text, status)
}

// newConn makes the connection of a handshake.
func (rt *routeRuntime) newConn(set *settings, r *http.Request) *conn {
	cfg := rt.host.config.Load()
	addr := clientip.FromRequest(r, cfg.proxies)
	c := &conn{
		rt:          rt,
		remote:      addr.String(),
		address:     clientip.LimitKey(addr),
		subprotocol: cmp.Or(socket.Subprotocol(r, []string{Protocol}), socket.Subprotocol(r, set.route.Subprotocols)),
		since:       time.Now().UnixNano(),
		outbox:      hub.Outbox{Hub: rt.hub},
	}
	for _, p := range rt.params {
		c.params = append(c.params, r.PathValue(p))
	}
	c.member = hub.MakeMember(rt.host.nextID.Add(1), c, c.speaksV1())
	c.sock = rt.host.sockets.NewConn(&set.sock, c.speaksV1(), c)
	return c
}

// connect checks the token, runs on_connect and upgrades. Messages that the hook
// sends wait in the connection for the upgrade, so that the instance of the plugin is
// free meanwhile.
func (rt *routeRuntime) connect(set *settings, c *conn, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), rt.host.config.Load().HandshakeTimeout)
	defer cancel()
	stripped, err := rt.authenticate(ctx, set, c, r)
	if err != nil {
		rt.refuseToken(set, c, w, r, err)
		return
	}
	r = stripped
	ev := plugin.Event{Hook: abi.OnConnect, Conn: c.member.ID, Data: []byte(r.URL.RequestURI())}
	status, code := 0, 0
	err = rt.run(ctx, invocation{event: ev, conn: c, req: r, outbox: &c.outbox, onFailed: func(call *call, err error) {
		if status, code = refusalOf(err); code != 0 {
			call.commitRefused()
		}
	}})
	if err == nil {
		c.accepted = true
		rt.metrics.accepted.Inc()
		c.scheduleExpiry()
		c.outbox.Flush()
	} else if code == 0 {
		c.uncount()
		why := refusedUnavailable
		var he *plugin.HookError
		if errors.As(err, &he) && isRefusal(abi.OnConnect, he.Code) {
			why = refusedPlugin
		}
		rt.refuse(w, status, http.StatusText(status), why)
		return
	} else {
		rt.host.metrics.refused.WithLabelValues(rt.pattern, string(refusedPlugin)).Inc()
		c.sock.Close(code, "")
	}
	rt.upgrade(c, w, r)
	switch { // the connection was counted before these were set
	case rt.host.closing.Load():
		c.closeForDrain(rt.host.reconnectAfter())
	case rt.retired.Load():
		c.closeAfterInput(1001, routeRemoved)
	}
}

// upgrade answers the handshake and starts the connection.
func (rt *routeRuntime) upgrade(c *conn, w http.ResponseWriter, r *http.Request) {
	if err := c.sock.Upgrade(w, r, c.subprotocol); err != nil {
		rt.host.metrics.refused.WithLabelValues(rt.pattern, string(refusedUpgrade)).Inc()
		rt.log.Debug("upgrade failed", "err", err)
	}
}

// refusalOf returns how a failed on_connect is answered: with an HTTP status, or
// after the upgrade with a close code. The other is 0.
func refusalOf(err error) (status, code int) {
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
