package broker

import (
	"fmt"
	"time"
)

// runHeartbeat sends a heartbeat every quarter of the TTL, removes silent peers, and breaks the link
// if this node does not receive its own messages. A peer is removed within the TTL after its last
// message.
func (b *Broker) runHeartbeat() {
	tick := time.NewTicker(b.opts.TTL / 20)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-b.ctx.Done():
			return
		case <-tick.C:
		}
		if !b.up.Load() {
			b.lastTick.Store(int64(time.Since(b.start)))
			continue
		}
		b.detectPause()
		if n%5 == 0 || !b.upToDate() {
			b.peers.send(b.clusterChannel(), clusterMessage{Kind: kindHeartbeat, ID: b.heartbeatsSent.Add(1)})
		}
		b.peers.removeSilent()
		b.checkEcho()
	}
}

// detectPause notices that this process stood still, for example because it was stopped. Messages of
// the others from that time may still be on their way. All have arrived when the next heartbeat of
// this node has come back.
func (b *Broker) detectPause() {
	if b.heartbeatOverdue() {
		b.heartbeatNeeded.Store(b.heartbeatsSent.Load() + 1)
		b.resumedAt.Store(int64(time.Since(b.start)))
	}
	b.lastTick.Store(int64(time.Since(b.start)))
}

// heartbeatOverdue reports whether runHeartbeat has not run for so long that the others may have
// missed this node.
func (b *Broker) heartbeatOverdue() bool {
	return time.Since(b.start.Add(time.Duration(b.lastTick.Load()))) > b.opts.TTL*2/5
}

// upToDate reports whether this node knows which others are alive.
func (b *Broker) upToDate() bool {
	return b.heartbeatEchoed.Load() >= b.heartbeatNeeded.Load() && !b.heartbeatOverdue()
}

// checkEcho breaks the link if this node has not received its own messages for three quarters of the
// TTL: a subscription may be dead while its connection is open.
func (b *Broker) checkEcho() {
	sinceResume := time.Since(b.start.Add(time.Duration(b.resumedAt.Load())))
	if silence := min(b.sinceLastEcho(), sinceResume); silence > b.opts.TTL*3/4 {
		b.failLink(fmt.Errorf("nothing received for %v", silence.Round(time.Millisecond)))
	}
}

// sinceLastEcho returns the time since this node received a message of its own, or since the link
// came up.
func (b *Broker) sinceLastEcho() time.Duration {
	b.mu.Lock()
	linkSince := b.stateSince
	b.mu.Unlock()
	return time.Since(latest(b.start.Add(time.Duration(b.lastEcho.Load())), linkSince))
}

// latest returns the later of two times.
func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
