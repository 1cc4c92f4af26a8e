package host

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"strconv"
	"time"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// Close codes of a drain. 1012 is "Service Restart" in IANA's registry of WebSocket
// close codes. Clients of Protocol get 3001, whose reason is JSON.
const (
	closeRestart = 1012
	closeDrainV1 = 3001
)

// drainProgress is the time between two log lines about the connections left.
const drainProgress = 3 * time.Second

// Drain takes the host out of service. It refuses new handshakes with 503 and
// Retry-After, and [Host.Ready] returns an error from then on. It closes the open
// connections one by one over DrainOptions.Spread, each after the messages that were
// sent to it and after the hooks of the input that has been read. The close tells the
// client when to reconnect: 1012 with the reason "reconnect in 1234 ms", or 3001 with
// {"reconnect_after_ms":1234} for clients of [Protocol].
//
// Drain returns when the last on_close has run and the last socket is closed, for
// which a client has Options.CloseTimeout. It returns an error when ctx ends before;
// [Host.Close], which has to follow, then cuts the remaining connections. If ctx has a
// deadline, the spread is at most half of the time until then.
//
// http.Server.Shutdown does not wait for WebSockets. Call Drain before it, so that
// the server can still answer 503.
func (h *Host) Drain(ctx context.Context) error {
	idle := h.stopAccepting()
	conns := h.connections()
	spread := h.config.Load().Drain.spreadWithin(ctx)
	s := newCloseSchedule(conns, spread, rand.Float64)
	if len(conns) > 0 {
		h.log.Info("draining", "connections", len(conns), "spread", spread)
	}
	progress := time.NewTicker(drainProgress)
	defer progress.Stop()
	due := time.NewTimer(0)
	defer due.Stop()
	ending := h.ending.Done()
	for {
		select {
		case <-idle:
			return nil
		case <-ctx.Done():
			return fmt.Errorf("drain: %d connections are left: %w", h.limits.Count(), ctx.Err())
		case <-ending: // Close closes the rest
			ending, s.conns = nil, nil
		case <-progress.C:
			h.log.Info("draining", "left", h.limits.Count())
		case <-due.C:
			if next, more := s.step(func(c *conn) { c.closeForDrain(h.reconnectAfter()) }); more {
				due.Reset(next)
			}
		}
	}
}

// stopAccepting refuses new connections from now on. The channel is closed when no
// connection is left.
func (h *Host) stopAccepting() <-chan struct{} {
	h.closing.Store(true)
	return h.limits.Close()
}

// connections lists the connections of all routes that on_connect has accepted.
func (h *Host) connections() (out []*conn) {
	for _, rt := range h.runtimes() {
		out = append(out, rt.connections()...)
	}
	return out
}

// connections lists the connections that on_connect has accepted.
func (rt *routeRuntime) connections() (out []*conn) {
	for _, m := range rt.hub.Members() {
		out = append(out, m.Sink().(*conn))
	}
	return out
}

// reconnectAfter returns a random delay for one client, within
// DrainOptions.Reconnect.
func (h *Host) reconnectAfter() time.Duration {
	window := h.config.Load().Drain.reconnect()
	if window <= 0 {
		return 0
	}
	return rand.N(window).Truncate(time.Millisecond)
}

// refuseClosing answers a handshake while the host drains or closes.
func (rt *routeRuntime) refuseClosing(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(1+int(rt.host.reconnectAfter()/time.Second)))
	rt.refuse(w, http.StatusServiceUnavailable, "the server is going away", refusedClosing)
}

// closeForDrain closes the connection and tells the client when to reconnect.
func (c *conn) closeForDrain(after time.Duration) {
	if c.speaksV1() {
		c.closeAfterInput(closeDrainV1, fmt.Sprintf(`{"reconnect_after_ms":%d}`, after.Milliseconds()))
		return
	}
	c.closeAfterInput(closeRestart, reconnectReason(after))
}

func reconnectReason(after time.Duration) string {
	return fmt.Sprintf("reconnect in %d ms", after.Milliseconds())
}

// closeAfterInput closes the connection after the messages that were sent to it and
// its rooms, and after the hooks of the input that has been read.
func (c *conn) closeAfterInput(code int, reason string) {
	outbox := hub.Outbox{Hub: c.rt.hub}
	outbox.After(&c.member, func() { c.sock.CloseAfterInput(code, reason) })
	outbox.Flush()
}

// closeSchedule closes connections one by one. It closes the first at once, and each
// other one at a random time within its own interval of equal length, so that nodes
// that drain at the same time are not in step.
type closeSchedule struct {
	conns     []*conn // that are left
	random    func() float64
	start     time.Time
	interval  time.Duration
	intervals int           // that have begun
	due       time.Duration // of conns[0], since start
}

// newCloseSchedule spreads the closes of connections. random is uniform in [0, 1).
func newCloseSchedule(conns []*conn, spread time.Duration, random func() float64) *closeSchedule {
	s := &closeSchedule{conns: conns, random: random, start: time.Now()}
	if len(conns) > 1 {
		s.interval = max(spread, 0) / time.Duration(len(conns)-1)
	}
	return s
}

// step calls closeConn for the connections that are due. It returns the time until
// the next one, and whether there is one.
func (s *closeSchedule) step(closeConn func(*conn)) (next time.Duration, more bool) {
	for len(s.conns) > 0 {
		if wait := s.due - time.Since(s.start); wait > 0 {
			return wait, true
		}
		closeConn(s.conns[0])
		s.conns = s.conns[1:]
		s.due = time.Duration((float64(s.intervals) + s.random()) * float64(s.interval))
		s.intervals++
	}
	return 0, false
}

// run calls closeConn for all connections, for those that are left at once when ctx
// ends.
func (s *closeSchedule) run(ctx context.Context, closeConn func(*conn)) {
	for {
		next, more := s.step(closeConn)
		if !more {
			return
		}
		select {
		case <-time.After(next):
		case <-ctx.Done():
			s.interval, s.due = 0, 0
		}
	}
}
