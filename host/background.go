package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// sweepInterval is the time between two removals of expired values. Reads do not
// return expired values in between either.
const sweepInterval = 10 * time.Second

// maxTimerRound bounds the time for which the background loop runs timers before it
// goes on with its other work.
const maxTimerRound = 10 * time.Millisecond

// wakeBackground has the background loop run a round. It does not block.
func (rt *routeRuntime) wakeBackground() {
	select {
	case rt.wake <- struct{}{}:
	default:
	}
}

// background is the background loop of the route. It runs on_timer and on_presence,
// announces presence to other nodes, and ends tokens, stored values and quarantines
// when they expire. One goroutine a route keeps presence events in order. It returns
// when rt.stop is closed.
func (rt *routeRuntime) background() {
	outbox := hub.Outbox{Hub: rt.hub}
	clock := rt.host.clock
	swept := clock.Now()
	for {
		now := clock.Now()
		rt.presenceEvents(&outbox, now)
		rt.remoteEvents(&outbox)
		again := rt.announce(now)
		rt.timerEvents(&outbox, now)
		rt.expire(&outbox, now)
		if now.Sub(swept) >= sweepInterval {
			swept = now
			rt.store.Sweep(now)
			rt.hub.SweepHistory(now)
		}
		outbox.Flush()
		idle := rt.idleTime(now)
		if !again.IsZero() {
			idle = min(idle, again.Sub(now))
		}
		waiting := time.Now()
		if !clock.Wait(idle, rt.wake, rt.stop) {
			rt.announceLast(now)
			return
		}
		if idle > 0 {
			rt.pacer.Idle(time.Since(waiting))
		}
	}
}

// idleTime returns the time until something is due.
func (rt *routeRuntime) idleTime(now time.Time) time.Duration {
	d := sweepInterval
	if at, ok := rt.hub.NextGraceEnd(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := rt.timers.Next(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := rt.expiries.Next(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := rt.breaker.Due(); ok {
		d = min(d, at.Sub(now))
	}
	return max(d, 0)
}

// presenceEvents runs on_presence for the users of this node, and notifies subscribers.
func (rt *routeRuntime) presenceEvents(outbox *hub.Outbox, now time.Time) {
	for _, e := range rt.hub.TakePresence(now) {
		if rt.stopped() {
			return
		}
		k := [2]string{e.Room, e.User}
		if rt.isRemote(e.Room, e.User) {
			rt.remote.markUnreported(k) // present before and after
			continue
		}
		delete(rt.remote.unreported, k)
		rt.notifySubscribers(outbox, e)
		rt.runPresence(outbox, e)
		outbox.Flush()
	}
}

// timerEvents runs on_timer for the timers that are due, for maxTimerRound.
func (rt *routeRuntime) timerEvents(outbox *hub.Outbox, now time.Time) {
	for start := time.Now(); !rt.stopped() && time.Since(start) <= maxTimerRound; {
		id, ok := rt.timers.Take(now)
		if !ok {
			return
		}
		var c *conn
		if id.Conn != 0 {
			m := rt.hub.Member(id.Conn)
			if m == nil {
				continue
			}
			c = m.Sink().(*conn)
			c.removeTimer(id.Name)
		}
		rt.runDue(plugin.Event{Hook: abi.OnTimer, Conn: id.Conn, Data: []byte(id.Name)}, c, outbox)
	}
}

// runDue runs a hook of the background loop at the pace of plugin.Pacer. Errors are
// logged by run. When hooks have run for a while it also ends what has expired, which
// does not wait for the remaining hooks.
func (rt *routeRuntime) runDue(ev plugin.Event, c *conn, outbox *hub.Outbox) {
	start := time.Now()
	_ = rt.run(rt.pacer.Context(), invocation{event: ev, conn: c, outbox: outbox})
	outbox.Flush()
	if rt.pacer.HookRan(time.Since(start)) {
		rt.expire(outbox, rt.host.clock.Now())
		outbox.Flush()
	}
}

// expire ends tokens and quarantines that have expired.
func (rt *routeRuntime) expire(outbox *hub.Outbox, now time.Time) {
	rt.expireTokens(outbox, now)
	rt.advanceState(now)
}

// stopped reports whether the route ends. Its remaining events are dropped.
func (rt *routeRuntime) stopped() bool {
	select {
	case <-rt.stop:
		return true
	default:
		return false
	}
}

// splitPresence splits the event of on_presence.
func splitPresence(b []byte) (room, user string) {
	for i, c := range b {
		if c == '\n' {
			return string(b[:i]), string(b[i+1:])
		}
	}
	return "", string(b)
}
