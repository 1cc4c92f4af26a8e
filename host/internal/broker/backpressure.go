package broker

import (
	"slices"
	"time"
)

// retryInterval is the time between two attempts to send while Redis refuses writes.
const retryInterval = time.Second / 2

// blockTopic makes a topic with a history wait until Redis accepts writes again. The members here
// get the queued messages at once, as while the link is down. Without a history the messages reach
// only them.
func (b *Broker) blockTopic(tp *topic) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if tp.Size == 0 {
		b.deliverRefusedLocked(tp)
		return
	}
	b.deliverQueuedLocked(tp)
	tp.blocked, tp.inFlight = true, 0
	b.mu.Lock()
	defer b.mu.Unlock()
	if !tp.inBlocked {
		tp.inBlocked = true
		b.blocked = append(b.blocked, tp)
	}
	b.scheduleRetry()
}

// scheduleRetry retries one blocked topic after retryInterval; mu is held. Its outcome decides for
// the others.
func (b *Broker) scheduleRetry() {
	if b.retryScheduled || len(b.blocked) == 0 {
		return
	}
	b.retryScheduled = true
	time.AfterFunc(retryInterval, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		b.retryScheduled = false
		b.unblock(1)
		b.scheduleRetry()
	})
}

// unblock makes the first n blocked topics ready; mu is held.
func (b *Broker) unblock(n int) {
	n = min(n, len(b.blocked))
	for _, tp := range b.blocked[:n] {
		tp.inBlocked = false
		b.makeReady(tp)
	}
	b.blocked = slices.Delete(b.blocked, 0, n)
}

// markWritesBlocked logs that Redis refuses writes, once until it accepts one.
func (b *Broker) markWritesBlocked(err error) {
	if !b.writesBlocked.Swap(true) {
		b.log.Error("redis refuses writes", "err", err)
	}
}

// resumeWrites unblocks all topics if Redis accepted a batch of a blocked one; tp.mu is held.
func (b *Broker) resumeWrites(tp *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if tp.blocked {
		b.unblock(len(b.blocked))
	}
	if tp.blocked = false; len(b.blocked) == 0 && b.writesBlocked.Swap(false) {
		b.log.Warn("redis accepts writes")
	}
}
