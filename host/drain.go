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

// Close codes of a drain. The first is "service restart" (IANA's registry of
// WebSocket close codes), the second is its like for clients that speak
// protocolV1, whose reason is JSON.
const (
	closeRestart = 1012
	closeDrainV1 = 3001
)

// drainProgress is how often a drain says how many connections are left.
const drainProgress = 3 * time.Second

// Drain takes the host out of service without losing anything: from now on
// handshakes are refused with 503 and Retry-After, and /readyz answers 503. The
// open connections are closed one by one over Options.Drain.Spread, each behind
// what it was sent, and when its messages that are here have been handled. Its
// close says when to come back: 1012 with the reason "reconnect in 1234 ms", or
// 3001 with {"reconnect_after_ms":1234} for clients that speak azuhost.v1.
//
// Drain returns when the last on_close has run and the last socket is closed, for which
// a client has Options.CloseTimeout at most, or with an error when ctx is
// done: Close, which has to follow, then cuts those that are left. Where ctx
// has a deadline the spread is at most half of the time until then, so that
// the last clients can answer, too. http.Server.Shutdown does not know of
// WebSockets: call Drain first, while the server still answers with 503.
func (h *Host) Drain(ctx context.Context) error {
	idle := h.stopAccepting()
	conns := h.connected()
	spread := h.config.Load().Drain.spreadWithin(ctx)
	f := newFarewell(conns, spread, rand.Float64)
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
			return fmt.Errorf("drain: %d connections are left: %w", h.limits.count(), ctx.Err())
		case <-ending: // Close closes the rest now
			ending, f.conns = nil, nil
		case <-progress.C:
			h.log.Info("draining", "left", h.limits.count())
		case <-due.C:
			if next, more := f.step(func(c *conn) { c.goAway(h.comeBack()) }); more {
				due.Reset(next)
			}
		}
	}
}

// stopAccepting refuses connections from now on. The channel is closed when
// there is none.
func (h *Host) stopAccepting() <-chan struct{} {
	h.closing.Store(true)
	return h.limits.close()
}

// connected lists the connections that on_connect has accepted.
func (h *Host) connected() (out []*conn) {
	for _, rt := range h.runtimes() {
		out = append(out, rt.connected()...)
	}
	return out
}

func (rt *routeRuntime) connected() (out []*conn) {
	for _, m := range rt.hub.Members() {
		out = append(out, m.Sink().(*conn))
	}
	return out
}

// comeBack is after how long one client should reconnect: clients that are
// sent away together come back one by one.
func (h *Host) comeBack() time.Duration {
	window := h.config.Load().Drain.reconnect()
	if window <= 0 {
		return 0
	}
	return rand.N(window).Truncate(time.Millisecond)
}

// refuseClosing answers a handshake while the host goes away.
func (rt *routeRuntime) refuseClosing(w http.ResponseWriter) {
	w.Header().Set("Retry-After", strconv.Itoa(1+int(rt.host.comeBack()/time.Second)))
	rt.refuse(w, http.StatusServiceUnavailable, "the server is going away", refusedClosing)
}

// goAway closes the connection and tells the client when to come back.
func (c *conn) goAway(after time.Duration) {
	if c.speaksV1() {
		c.leave(closeDrainV1, fmt.Sprintf(`{"reconnect_after_ms":%d}`, after.Milliseconds()))
		return
	}
	c.leave(closeRestart, reconnectIn(after))
}

func reconnectIn(after time.Duration) string {
	return fmt.Sprintf("reconnect in %d ms", after.Milliseconds())
}

// leave closes the connection behind what was sent to it and to its rooms, and
// when the messages that its reader has are handled.
func (c *conn) leave(code int, reason string) {
	outbox := hub.Outbox{Hub: c.rt.hub}
	outbox.After(&c.member, func() { c.sock.CloseAfterInput(code, reason) })
	outbox.Flush()
}

// farewell closes connections one by one: the first at once, the others in
// equal spans of time, each at a random moment of its own span, so that nodes
// that drain together are not in step.
type farewell struct {
	conns  []*conn // that are left
	random func() float64
	start  time.Time
	span   time.Duration
	begun  int           // spans
	due    time.Duration // since start, for conns[0]
}

// newFarewell spreads the closes of conns. random is uniform in [0, 1).
func newFarewell(conns []*conn, spread time.Duration, random func() float64) *farewell {
	f := &farewell{conns: conns, random: random, start: time.Now()}
	if len(conns) > 1 {
		f.span = max(spread, 0) / time.Duration(len(conns)-1)
	}
	return f
}

// step closes those that are due, and says how long it is until the next.
func (f *farewell) step(leave func(*conn)) (next time.Duration, more bool) {
	for len(f.conns) > 0 {
		if wait := f.due - time.Since(f.start); wait > 0 {
			return wait, true
		}
		leave(f.conns[0])
		f.conns = f.conns[1:]
		f.due = time.Duration((float64(f.begun) + f.random()) * float64(f.span))
		f.begun++
	}
	return 0, false
}

// run closes all, and the rest at once when ctx is done.
func (f *farewell) run(ctx context.Context, leave func(*conn)) {
	for {
		next, more := f.step(leave)
		if !more {
			return
		}
		select {
		case <-time.After(next):
		case <-ctx.Done():
			f.span, f.due = 0, 0
		}
	}
}
