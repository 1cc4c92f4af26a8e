package socket

import "time"

// pace bounds how many messages a client sends in a second. It is a leaky bucket in
// one number: the time at which what has come so far would have come at the even
// rate. Only the reader uses it.
type pace struct {
	due int64 // nanoseconds since the group's start
}

// take takes in a message at a time. It returns false, and changes nothing, if that
// is more than burst messages ahead of the rate.
func (p *pace) take(now int64, rate, burst int) bool {
	each := int64(time.Second) / int64(rate)
	due := max(p.due, now) + each
	if due-now > each*int64(burst) {
		return false
	}
	p.due = due
	return true
}

// tooFast takes in a message, and says whether it is one too many. The coarse clock is
// behind, never ahead: what it lets pass may pass, and the real one is looked at for
// the rest only.
func (c *Conn) tooFast() bool {
	rate, burst := c.opts.MessageRate, c.opts.MessageBurst
	if rate <= 0 || c.pace.take(c.group.now(), rate, burst) {
		return false
	}
	return !c.pace.take(int64(time.Since(c.group.start)), rate, burst)
}
