package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// maxTimer is the longest delay of a timer, about 146 years.
const maxTimer time.Duration = 1 << 62

// TimerSet implements plugin.Env.
func (c *call) TimerSet(id ConnID, name []byte, after time.Duration) error {
	if after < 0 {
		return abi.Invalid
	}
	t := timerID{id, string(name)}
	is := c.hasTimer(t)
	if !is && c.rt.timers.len()+c.newTimers >= c.set.limits.Timers {
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
	t := timerID{id, string(name)}
	switch {
	case !validName(name):
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
func (c *call) hasTimer(t timerID) bool {
	if c.timers == nil {
		c.timers = map[timerID]timerEffect{}
	}
	if e, ok := c.timers[t]; ok {
		return e.set
	}
	return c.rt.timers.has(t)
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
		switch is := c.rt.timers.has(id); {
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
	id := timerID{name: string(c.bytes(e.name))}
	if e.conn != nil {
		id.conn = e.conn.member.ID
	}
	switch {
	case c.timers[id].index != index:
	case e.kind == effectTimerSet:
		c.rt.setTimer(e.conn, id.name, max(e.after, minTimerDelay(c.hook)))
	default:
		c.rt.clearTimer(e.conn, id.name)
	}
}
