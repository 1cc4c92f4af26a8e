package broker

import (
	"fmt"
	"maps"
	"time"
)

// beat gives signs of life, and looks for those of the others. A node is gone
// within the TTL after its last one.
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

// noticeSleep finds out that this node itself stood still, as when its process was stopped: what others have
// said meanwhile may be still to come. It has when a beat of after that has come back.
func (b *Broker) detectPause() {
	if b.heartbeatOverdue() {
		b.heartbeatNeeded.Store(b.heartbeatsSent.Load() + 1)
		b.resumedAt.Store(int64(time.Since(b.start)))
	}
	b.lastTick.Store(int64(time.Since(b.start)))
}

// slept says that beat is overdue, so far that others may have missed it.
func (b *Broker) heartbeatOverdue() bool {
	return time.Since(b.start.Add(time.Duration(b.lastTick.Load()))) > b.opts.TTL*2/5
}

// awake says whether this node can tell who is there.
func (b *Broker) upToDate() bool {
	return b.heartbeatEchoed.Load() >= b.heartbeatNeeded.Load() && !b.heartbeatOverdue()
}

// listen looks whether this node hears itself: a subscription may be dead
// although the connection is not.
func (b *Broker) checkEcho() {
	woke := time.Since(b.start.Add(time.Duration(b.resumedAt.Load())))
	if silent := min(b.sinceLastEcho(), woke); silent > b.opts.TTL*3/4 {
		b.failLink(fmt.Errorf("nothing heard for %v", silent.Round(time.Millisecond)))
	}
}

// silent is for how long this node has not heard itself, on the link of now.
func (b *Broker) sinceLastEcho() time.Duration {
	b.mu.Lock()
	since := b.stateSince
	b.mu.Unlock()
	return time.Since(latest(b.start.Add(time.Duration(b.lastEcho.Load())), since))
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// expire forgets nodes of which there is no sign, unless the reason may be with this one.
func (p *peers) removeSilent() {
	if !p.b.upToDate() || p.b.sinceLastEcho() > p.b.opts.TTL/2 {
		return
	}
	p.b.mu.Lock()
	since := p.b.stateSince // while the link was broken nobody could be heard
	p.b.mu.Unlock()
	p.mu.Lock()
	var events []event
	for name, n := range p.nodes {
		if time.Since(latest(n.lastSeen, since)) > p.b.opts.TTL*4/5 {
			events = append(events, p.removePeer(name)...)
		}
	}
	p.local.dropUnreportedBefore(time.Now().Add(-4 * p.b.opts.TTL)) // whoever does not know by now has been taken for gone
	maps.DeleteFunc(p.departed, func(_ string, e departure) bool { return time.Since(e.at) > 6*p.b.opts.TTL })
	p.mu.Unlock()
	p.reportEvents(events)
}
