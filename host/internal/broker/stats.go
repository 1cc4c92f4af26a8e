package broker

import (
	"sync/atomic"
	"time"
)

type counters struct {
	published, received, unsent, missed, overflow, resets, links atomic.Uint64
}

// Stats are figures at one moment. Counters count messages unless stated otherwise.
type Stats struct {
	Connected   bool
	Since       time.Time // when Connected changed last
	Cause       error     // why the link is down
	Links       uint64    // times that the link came up
	Topics      int
	QueuedBytes int
	Nodes       int // including this one
	Published   uint64
	Received    uint64
	// Unsent counts messages that reached only this node, because the link was down or Redis
	// refused them, and that no history keeps for later.
	Unsent uint64
	// Missed counts messages published while this node was not subscribed that no history had.
	Missed uint64
	// Overflow counts messages dropped because a queue was full. Other nodes did not get them.
	Overflow uint64
	// Resets counts topics whose numbers Redis had lost.
	Resets uint64
}

// Stats returns the current figures.
func (b *Broker) Stats() Stats {
	b.mu.Lock()
	defer b.mu.Unlock()
	return Stats{
		Connected: b.up.Load(), Since: b.stateSince, Cause: b.linkError, Links: b.stats.links.Load(),
		Topics: len(b.topics), QueuedBytes: b.queuedBytes, Nodes: b.peers.count() + 1,
		Published: b.stats.published.Load(), Received: b.stats.received.Load(), Unsent: b.stats.unsent.Load(),
		Missed: b.stats.missed.Load(), Overflow: b.stats.overflow.Load(), Resets: b.stats.resets.Load(),
	}
}
