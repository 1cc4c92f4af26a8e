package plugin

// hostTimerSet implements timer_set(conn, name*, after_ms).
func hostTimerSet(c *callContext, s []uint64) uint64 {
	name := c.input(s[1], s[2])
	return errnoResult(c.env.TimerSet(s[0], name, millis(s[3])))
}

// hostTimerClear implements timer_clear(conn, name*).
func hostTimerClear(c *callContext, s []uint64) uint64 {
	name := c.input(s[1], s[2])
	return errnoResult(c.env.TimerClear(s[0], name))
}
