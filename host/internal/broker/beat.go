package broker

import (
	"fmt"
	"maps"
	"time"
)

// beat gives signs of life, and looks for those of the others. A node is gone
// within the TTL after its last one.
func (b *Broker) beat() {
	tick := time.NewTicker(b.o.TTL / 20)
	defer tick.Stop()
	for n := 1; ; n++ {
		select {
		case <-b.ctx.Done():
			return
		case <-tick.C:
		}
		if !b.up.Load() {
			b.ticked.Store(int64(time.Since(b.start)))
			continue
		}
		b.noticeSleep()
		if n%5 == 0 || !b.awake() {
			b.peers.say(b.channelAll(), control{Kind: kindBeat, Ack: b.beats.Add(1)})
		}
		b.peers.expire()
		b.listen()
	}
}

// noticeSleep finds out that this node itself stood still, as when its process was stopped: what others have
// said meanwhile may be still to come. It has when a beat of after that has come back.
func (b *Broker) noticeSleep() {
	if b.slept() {
		b.fresh.Store(b.beats.Load() + 1)
		b.woke.Store(int64(time.Since(b.start)))
	}
	b.ticked.Store(int64(time.Since(b.start)))
}

// slept says that beat is overdue, so far that others may have missed it.
func (b *Broker) slept() bool {
	return time.Since(b.start.Add(time.Duration(b.ticked.Load()))) > b.o.TTL*2/5
}

// awake says whether this node can tell who is there.
func (b *Broker) awake() bool { return b.heardBeat.Load() >= b.fresh.Load() && !b.slept() }

// listen looks whether this node hears itself: a subscription may be dead
// although the connection is not.
func (b *Broker) listen() {
	woke := time.Since(b.start.Add(time.Duration(b.woke.Load())))
	if silent := min(b.silent(), woke); silent > b.o.TTL*3/4 {
		b.fail(fmt.Errorf("nothing heard for %v", silent.Round(time.Millisecond)))
	}
}

// silent is for how long this node has not heard itself, on the link of now.
func (b *Broker) silent() time.Duration {
	b.mu.Lock()
	since := b.since
	b.mu.Unlock()
	return time.Since(later(b.start.Add(time.Duration(b.echo.Load())), since))
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// expire forgets nodes of which there is no sign, unless the reason may be with this one.
func (p *peers) expire() {
	if !p.b.awake() || p.b.silent() > p.b.o.TTL/2 {
		return
	}
	p.b.mu.Lock()
	since := p.b.since // while the link was broken nobody could be heard
	p.b.mu.Unlock()
	p.mu.Lock()
	var events []event
	for name, n := range p.nodes {
		if time.Since(later(n.seen, since)) > p.b.o.TTL*4/5 {
			events = append(events, p.bury(name)...)
		}
	}
	p.own.forget(time.Now().Add(-4 * p.b.o.TTL)) // whoever does not know by now has been taken for gone
	maps.DeleteFunc(p.ended, func(_ string, e ended) bool { return time.Since(e.at) > 6*p.b.o.TTL })
	p.mu.Unlock()
	p.report(events)
}
