package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// sweepEvery is how often expired values leave the store; a read never sees
// them before either.
const sweepEvery = 10 * time.Second

// roundAtMost is how long the clerk runs timers before it looks at everything else.
const roundAtMost = 10 * time.Millisecond

// wakeClerk has the clerk look again at what is due. It never blocks.
func (ch *channel) wakeClerk() {
	select {
	case ch.wake <- struct{}{}:
	default:
	}
}

// clerk runs the hooks of a channel that no connection's reader runs: timers
// and presence. It also ends what has its time: tokens, stored values, quarantines. It
// is one goroutine a channel, which is what keeps the order of presence events.
func (ch *channel) clerk() {
	turn := hub.Turn{Hub: ch.hub}
	clock := ch.host.clock
	swept := clock.Now()
	for {
		now := clock.Now()
		ch.presenceEvents(&turn, now)
		ch.remoteEvents(&turn)
		again := ch.announce(now)
		ch.timerEvents(&turn, now)
		ch.endings(&turn, now)
		if now.Sub(swept) >= sweepEvery {
			swept = now
			ch.store.sweep(now)
			ch.hub.SweepHistory(now)
		}
		turn.Flush()
		idle := ch.idleTime(now)
		if !again.IsZero() {
			idle = min(idle, again.Sub(now))
		}
		resting := time.Now()
		if !clock.Wait(idle, ch.wake, ch.stop) {
			ch.lastWord(now)
			return
		}
		if idle > 0 {
			ch.pace.Rested(time.Since(resting))
		}
	}
}

// idleTime is how long nothing is due.
func (ch *channel) idleTime(now time.Time) time.Duration {
	d := sweepEvery
	if at, ok := ch.hub.Due(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := ch.timers.next(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := ch.expiries.next(); ok {
		d = min(d, at.Sub(now))
	}
	if at, ok := ch.quarantine.due(); ok {
		d = min(d, at.Sub(now))
	}
	return max(d, 0)
}

func (ch *channel) presenceEvents(turn *hub.Turn, now time.Time) {
	for _, e := range ch.hub.TakePresence(now) {
		if ch.stopped() {
			return
		}
		k := [2]string{e.Room, e.User}
		if ch.isElsewhere(e.Room, e.User) {
			ch.elsewhere.skip(k) // present before and after
			continue
		}
		delete(ch.elsewhere.skipped, k)
		ch.tellWatchers(turn, e)
		ch.runPresence(turn, e)
		turn.Flush()
	}
}

// timerEvents runs the hooks of timers that are due, for roundAtMost.
func (ch *channel) timerEvents(turn *hub.Turn, now time.Time) {
	for begun := time.Now(); !ch.stopped() && time.Since(begun) <= roundAtMost; {
		id, ok := ch.timers.take(now)
		if !ok {
			return
		}
		var c *conn
		if id.conn != 0 {
			m := ch.hub.Member(id.conn)
			if m == nil {
				continue
			}
			c = m.Sink().(*conn)
			c.forgetTimer(id.name)
		}
		ch.runDue(&Event{Hook: abi.OnTimer, Conn: id.conn, Data: []byte(id.name)}, c, turn)
	}
}

// runDue runs a hook for the clerk, and no faster than plugin.Pace lets it. run has
// logged and counted what went wrong. Where hooks have run for a while, what else ends
// does not wait until all of them have.
func (ch *channel) runDue(ev *Event, c *conn, turn *hub.Turn) {
	begun := time.Now()
	_ = ch.runCall(ch.pace.Context(), ev, c, nil, turn, extras{})
	turn.Flush()
	if ch.pace.Ran(time.Since(begun)) {
		ch.endings(turn, ch.host.clock.Now())
		turn.Flush()
	}
}

// Lapsed implements plugin.Lapser: a connection's timer ends with it, also when it is
// due already and waits for the instance, which on_close may have had meanwhile.
func (c *call) Lapsed() bool {
	return c.hook == abi.OnTimer && c.conn != nil && c.ch.hub.Member(c.conn.member.ID) == nil
}

// endings ends tokens and quarantines that have their time.
func (ch *channel) endings(turn *hub.Turn, now time.Time) {
	ch.expireTokens(turn, now)
	ch.state(now)
}

// stopped says that the channel ends: what its hooks are still to be told of is dropped.
func (ch *channel) stopped() bool {
	select {
	case <-ch.stop:
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
