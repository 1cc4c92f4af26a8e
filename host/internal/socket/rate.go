package socket

import "time"

// rateLimiter limits the messages of a client. It is a leaky bucket in the form
// of the generic cell rate algorithm (ITU-T I.371): due is the time at which the
// messages so far would have come at the sustained rate. It is owned by the
// reader.
type rateLimiter struct {
	due int64 // nanoseconds since Group.start
}

// allow counts a message at the time now. It returns false, and does not count
// the message, if that would be more than burst messages ahead of rate messages
// per second.
func (l *rateLimiter) allow(now int64, rate, burst int) bool {
	each := int64(time.Second) / int64(rate)
	due := max(l.due, now) + each
	if due-now > each*int64(burst) {
		return false
	}
	l.due = due
	return true
}

// exceedsRate counts a message and reports whether it is one too many. It asks
// the coarse clock first, which may be behind but never ahead: a message that it
// allows is allowed. Only for the others it reads the system's clock.
func (c *Conn) exceedsRate() bool {
	rate, burst := c.opts.MessageRate, c.opts.MessageBurst
	if rate <= 0 || c.limiter.allow(c.group.now(), rate, burst) {
		return false
	}
	return !c.limiter.allow(int64(time.Since(c.group.start)), rate, burst)
}
