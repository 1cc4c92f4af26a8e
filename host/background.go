package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// sweepEvery is how often expired values leave the store; a read never sees
// them before either.
const sweepEvery = 10 * time.Second

// roundAtMost is how long the clerk runs timers before it looks at everything else.
const roundAtMost = 10 * time.Millisecond

// wakeBackground has the clerk look again at what is due. It never blocks.
func (rt *routeRuntime) wakeBackground() {
	select {
	case rt.wake <- struct{}{}:
	default:
	}
}

// background runs the hooks of a channel that no connection's reader runs: timers
// and presence. It also ends what has its time: tokens, stored values, quarantines. It
// is one goroutine a channel, which is what keeps the order of presence events.
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
		rt.endings(&outbox, now)
		if now.Sub(swept) >= sweepEvery {
			swept = now
			rt.store.Sweep(now)
			rt.hub.SweepHistory(now)
		}
		outbox.Flush()
		idle := rt.idleTime(now)
		if !again.IsZero() {
			idle = min(idle, again.Sub(now))
		}
		resting := time.Now()
		if !clock.Wait(idle, rt.wake, rt.stop) {
			rt.lastWord(now)
			return
		}
		if idle > 0 {
			rt.pacer.Idle(time.Since(resting))
		}
	}
}

// idleTime is how long nothing is due.
func (rt *routeRuntime) idleTime(now time.Time) time.Duration {
	d := sweepEvery
	if at, ok := rt.hub.Due(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := rt.timers.next(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := rt.expiries.next(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := rt.breaker.Due(); ok {
		d = min(d, at.Sub(now))
	}
	return max(d, 0)
}

func (rt *routeRuntime) presenceEvents(outbox *hub.Outbox, now time.Time) {
	for _, e := range rt.hub.TakePresence(now) {
		if rt.stopped() {
			return
		}
		k := [2]string{e.Room, e.User}
		if rt.isRemote(e.Room, e.User) {
			rt.remote.skip(k) // present before and after
			continue
		}
		delete(rt.remote.skipped, k)
		rt.notifySubscribers(outbox, e)
		rt.runPresence(outbox, e)
		outbox.Flush()
	}
}

// timerEvents runs the hooks of timers that are due, for roundAtMost.
func (rt *routeRuntime) timerEvents(outbox *hub.Outbox, now time.Time) {
	for begun := time.Now(); !rt.stopped() && time.Since(begun) <= roundAtMost; {
		id, ok := rt.timers.take(now)
		if !ok {
			return
		}
		var c *conn
		if id.conn != 0 {
			m := rt.hub.Member(id.conn)
			if m == nil {
				continue
			}
			c = m.Sink().(*conn)
			c.removeTimer(id.name)
		}
		rt.runDue(plugin.Event{Hook: abi.OnTimer, Conn: id.conn, Data: []byte(id.name)}, c, outbox)
	}
}

// runDue runs a hook for the clerk, and no faster than plugin.Pacer lets it. run has
// logged and counted what went wrong. Where hooks have run for a while, what else ends
// does not wait until all of them have.
func (rt *routeRuntime) runDue(ev plugin.Event, c *conn, outbox *hub.Outbox) {
	begun := time.Now()
	_ = rt.run(rt.pacer.Context(), invocation{event: ev, conn: c, outbox: outbox})
	outbox.Flush()
	if rt.pacer.HookRan(time.Since(begun)) {
		rt.endings(outbox, rt.host.clock.Now())
		outbox.Flush()
	}
}

// endings ends tokens and quarantines that have their time.
func (rt *routeRuntime) endings(outbox *hub.Outbox, now time.Time) {
	rt.expireTokens(outbox, now)
	rt.advanceState(now)
}

// stopped says that the channel ends: what its hooks are still to be told of is dropped.
func (rt *routeRuntime) stopped() bool {
	select {
	case <-rt.stop:
		return true
	default:
		return false
	}
}

// splitPresence takes the event of on_presence apart.
func splitPresence(b []byte) (room, user string) {
	for i, c := range b {
		if c == '\n' {
			return string(b[:i]), string(b[i+1:])
		}
	}
	return "", string(b)
}
