package broker

import (
	"hash/maphash"

	"github.com/redis/rueidis"
)

// inbound is a publication that has come.
type inbound struct {
	topic *topic
	batch batch
}

var hashSeed = maphash.MakeSeed()

// received takes what comes by the link, one at a time. A topic's messages all
// go through one worker, so that they stay in order.
func (b *Broker) received(m rueidis.PubSubMessage) {
	switch m.Channel {
	case b.channelAll(), b.channelNode(b.o.Node):
		b.hearControl(m.Message)
		return
	}
	b.mu.Lock()
	x := b.topics[m.Channel]
	b.mu.Unlock()
	if x == nil {
		return // it was unsubscribed in the meantime
	}
	p, err := parseBatch([]byte(m.Message))
	if err != nil {
		b.log.Warn("broker: something foreign was published", "topic", m.Channel, "err", err)
		return
	}
	w := b.work[maphash.String(hashSeed, m.Channel)%uint64(len(b.work))]
	select {
	case w <- inbound{x, p}:
	case <-b.ctx.Done():
	}
}

// deliverFrom is a worker.
func (b *Broker) deliverFrom(c <-chan inbound) {
	for {
		select {
		case in := <-c:
			in.topic.mu.Lock()
			b.take(in.topic, &in.batch)
			in.topic.mu.Unlock()
		case <-b.ctx.Done():
			return
		}
	}
}

// take handles a publication; x.mu is held.
func (b *Broker) take(x *topic, p *batch) {
	if x.holding {
		b.hold(x, p)
		return
	}
	if !x.placed {
		return // nobody here any more
	}
	messages, at, seq := p.messages, p.at, p.seq
	switch {
	case at.Epoch != x.place.Epoch:
		// Redis has forgotten the topic, or nothing was ever sent before.
		if x.place.Offset > 0 {
			b.stats.resets.Add(1)
		}
		if at.Offset > 1 || x.place.Offset > 0 {
			b.o.Place(x.Topic, Position{at.Epoch, at.Offset - 1})
		}
	case at.Offset <= x.place.Offset:
		old := min(x.place.Offset-at.Offset+1, uint64(len(messages)))
		messages, at.Offset, seq = messages[old:], at.Offset+old, seq+old
	case at.Offset > x.place.Offset+1:
		// Redis has left something out. Who has a history finds it there.
		b.again(x, p)
		return
	}
	if len(messages) == 0 {
		return
	}
	b.stats.received.Add(uint64(len(messages)))
	own := b.ours(x, p.node, p.seq)
	if own {
		x.heard = p.seq + uint64(len(p.messages)) - 1
		b.trim(x)
	}
	x.place = Position{at.Epoch, at.Offset + uint64(len(messages)) - 1}
	if !own || len(x.local) == 0 {
		b.deliverCounted(x, at, messages)
		return
	}
	for i, m := range messages {
		b.deliverOne(x, Position{at.Epoch, at.Offset + uint64(i)}, seq+uint64(i), m)
	}
}

// deliverCounted delivers messages; x.mu is held. Deliver counts for the last one: so one
// whose sender wants to know is the last.
func (b *Broker) deliverCounted(x *topic, at Position, messages []Message) {
	for len(messages) > 0 {
		n := 1
		for n < len(messages) && messages[n-1].ack == 0 {
			n++
		}
		b.answer(messages[:n], b.o.Deliver(x.Topic, at, messages[:n]))
		messages, at.Offset = messages[n:], at.Offset+uint64(n)
	}
}

// deliverOne delivers a message unless the members have it already; x.mu is held.
func (b *Broker) deliverOne(x *topic, at Position, seq uint64, m Message) {
	x.place, x.placed = at, true
	own := b.ours(x, m.Node, seq)
	if own && seq > x.heard { // a history may have it before it comes
		x.heard = seq
		b.trim(x)
	}
	if _, ok := x.local[seq]; ok && own {
		delete(x.local, seq)
		b.o.Pass(x.Topic, at)
		return
	}
	n := b.o.Deliver(x.Topic, at, []Message{m})
	b.answer([]Message{m}, n)
}

// hold keeps a publication until it is known where the topic stands; x.mu is
// held. Over the bound the rest is left to another look, which counts what is lost.
func (b *Broker) hold(x *topic, p *batch) {
	size := 0
	for i := range p.messages {
		size += len(p.messages[i].Frame) + 64
	}
	if x.cut = x.cut || x.size+size > b.o.MaxQueue; x.cut {
		return
	}
	x.size += size
	x.pending = append(x.pending, *p)
}

// again has the link look where a topic stands, since something is missing.
func (b *Broker) again(x *topic, p *batch) {
	x.holding = true
	b.hold(x, p)
	b.lookAgain(x)
}

// lookAgain has the link subscribe a topic anew. It is subscribed, and to say so again
// does no harm.
func (b *Broker) lookAgain(x *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.subscribed = false
	b.note(x)
}
