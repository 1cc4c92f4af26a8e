package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/host/internal/timer"
)

// maxTimer is the longest delay of a timer, about 146 years.
const maxTimer time.Duration = 1 << 62

// TimerSet implements plugin.Env.
func (c *call) TimerSet(id ConnID, name []byte, after time.Duration) error {
	if after < 0 {
		return abi.Invalid
	}
	t := timer.ID{Conn: id, Name: string(name)}
	is := c.hasTimer(t)
	if !is && c.rt.timers.Len()+c.newTimers >= c.set.limits.Timers {
		return abi.Limit
	}
	if err := c.addTimer(effect{kind: effectTimerSet, after: min(after, maxTimer)}, id, name); err != nil {
		return err
	}
	if !is {
		c.newTimers++
	}
	c.timers[t] = timerEffect{set: true, index: len(c.effects) - 1}
	return nil
}

// TimerClear implements plugin.Env.
func (c *call) TimerClear(id ConnID, name []byte) error {
	t := timer.ID{Conn: id, Name: string(name)}
	switch {
	case !naming.Valid(name):
		return abi.Invalid
	case !c.hasTimer(t):
		return abi.NotFound
	}
	if err := c.addTimer(effect{kind: effectTimerClear}, id, name); err != nil {
		return err
	}
	c.newTimers--
	c.timers[t] = timerEffect{set: false, index: len(c.effects) - 1}
	return nil
}

// hasTimer reports whether a timer is set, the hook's own effects included.
func (c *call) hasTimer(t timer.ID) bool {
	if c.timers == nil {
		c.timers = map[timer.ID]timerEffect{}
	}
	if e, ok := c.timers[t]; ok {
		return e.set
	}
	return c.rt.timers.Has(t)
}

// addTimer adds an effect on the timer of a name.
func (c *call) addTimer(e effect, id ConnID, name []byte) (err error) {
	if id != 0 {
		if e.conn, err = c.findConn(id); err != nil {
			return err
		}
	}
	if e.name, err = c.keepName(name); err != nil {
		return err
	}
	return c.add(e)
}

// addedTimers returns the number of timers that the effects add to the route as
// it is now.
func (c *call) addedTimers() (n int) {
	for id, e := range c.timers {
		switch is := c.rt.timers.Has(id); {
		case e.set && !is:
			n++
		case is && !e.set:
			n--
		}
	}
	return n
}

// commitTimer applies the effect at an index on a timer. It applies the last one
// on each timer only: one that is due at once would fire before a later effect
// clears it.
func (c *call) commitTimer(index int, e *effect) {
	id := timer.ID{Name: string(c.bytes(e.name))}
	if e.conn != nil {
		id.Conn = e.conn.member.ID
	}
	switch {
	case c.timers[id].index != index:
	case e.kind == effectTimerSet:
		c.rt.setTimer(e.conn, id.Name, max(e.after, minTimerDelay(c.hook)))
	default:
		c.rt.clearTimer(e.conn, id.Name)
	}
}

// minTimer is the shortest delay of a timer that on_timer sets. A timer that sets
// itself again with a delay of 0 would be due at once for ever on a clock that
// stands still, and a round of the background loop would not end.
const minTimer = time.Millisecond

// minTimerDelay returns the shortest delay of a timer that a hook sets.
func minTimerDelay(h abi.Hook) time.Duration {
	if h == abi.OnTimer {
		return minTimer
	}
	return 0
}

// setTimer sets a timer of the route, or of conn if it is not nil.
func (rt *routeRuntime) setTimer(conn *conn, name string, after time.Duration) {
	id := timer.ID{Name: name}
	if conn != nil {
		id.Conn = conn.member.ID
		conn.timerMu.Lock()
		defer conn.timerMu.Unlock()
		if !conn.addTimer(name) {
			return
		}
	}
	if rt.timers.Set(id, rt.host.now().Add(after)) {
		rt.wakeBackground()
	}
}

// clearTimer clears a timer of the route, or of conn if it is not nil.
func (rt *routeRuntime) clearTimer(conn *conn, name string) {
	id := timer.ID{Name: name}
	if conn != nil {
		id.Conn = conn.member.ID
		conn.timerMu.Lock()
		defer conn.timerMu.Unlock()
		delete(conn.timers, name)
	}
	rt.timers.Clear(id)
}
