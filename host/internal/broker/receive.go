package broker

import (
	"hash/maphash"

	"github.com/redis/rueidis"
)

// inbound is a publication that has come.
type inboundBatch struct {
	topic *topic
	batch batch
}

var hashSeed = maphash.MakeSeed()

// received takes what comes by the link, one at a time. A topic's messages all
// go through one worker, so that they stay in order.
func (b *Broker) onPublication(m rueidis.PubSubMessage) {
	switch m.Channel {
	case b.clusterChannel(), b.nodeChannel(b.opts.Node):
		b.enqueueClusterMessage(m.Message)
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
	w := b.workers[maphash.String(hashSeed, m.Channel)%uint64(len(b.workers))]
	select {
	case w <- inboundBatch{x, p}:
	case <-b.ctx.Done():
	}
}

// deliverFrom is a worker.
func (b *Broker) runWorker(c <-chan inboundBatch) {
	for {
		select {
		case in := <-c:
			in.topic.mu.Lock()
			b.handleBatch(in.topic, &in.batch)
			in.topic.mu.Unlock()
		case <-b.ctx.Done():
			return
		}
	}
}

// take handles a publication; x.mu is held.
func (b *Broker) handleBatch(x *topic, p *batch) {
	if x.syncing {
		b.holdBatch(x, p)
		return
	}
	if !x.positioned {
		return // nobody here any more
	}
	messages, at, seq := p.messages, p.first, p.seq
	switch {
	case at.Epoch != x.position.Epoch:
		// Redis has forgotten the topic, or nothing was ever sent before.
		if x.position.Offset > 0 {
			b.stats.resets.Add(1)
		}
		if at.Offset > 1 || x.position.Offset > 0 {
			b.opts.SetPosition(x.Topic, Position{at.Epoch, at.Offset - 1})
		}
	case at.Offset <= x.position.Offset:
		old := min(x.position.Offset-at.Offset+1, uint64(len(messages)))
		messages, at.Offset, seq = messages[old:], at.Offset+old, seq+old
	case at.Offset > x.position.Offset+1:
		// Redis has left something out. Who has a history finds it there.
		b.startResync(x, p)
		return
	}
	if len(messages) == 0 {
		return
	}
	b.stats.received.Add(uint64(len(messages)))
	own := b.isOwn(x, p.node, p.seq)
	if own {
		x.lastEcho = p.seq + uint64(len(p.messages)) - 1
		b.trimQueue(x)
	}
	x.position = Position{at.Epoch, at.Offset + uint64(len(messages)) - 1}
	if !own || len(x.deliveredLocally) == 0 {
		b.deliverBatch(x, at, messages)
		return
	}
	for i, m := range messages {
		b.deliverOnce(x, Position{at.Epoch, at.Offset + uint64(i)}, seq+uint64(i), m)
	}
}

// deliverCounted delivers messages; x.mu is held. Deliver counts for the last one: so one
// whose sender wants to know is the last.
func (b *Broker) deliverBatch(x *topic, at Position, messages []Message) {
	for len(messages) > 0 {
		n := 1
		for n < len(messages) && messages[n-1].ackID == 0 {
			n++
		}
		b.sendAcks(messages[:n], b.opts.Deliver(x.Topic, at, messages[:n]))
		messages, at.Offset = messages[n:], at.Offset+uint64(n)
	}
}

// deliverOne delivers a message unless the members have it already; x.mu is held.
func (b *Broker) deliverOnce(x *topic, at Position, seq uint64, m Message) {
	x.position, x.positioned = at, true
	own := b.isOwn(x, m.Node, seq)
	if own && seq > x.lastEcho { // a history may have it before it comes
		x.lastEcho = seq
		b.trimQueue(x)
	}
	if _, ok := x.deliveredLocally[seq]; ok && own {
		delete(x.deliveredLocally, seq)
		b.opts.Advance(x.Topic, at)
		return
	}
	n := b.opts.Deliver(x.Topic, at, []Message{m})
	b.sendAcks([]Message{m}, n)
}

// hold keeps a publication until it is known where the topic stands; x.mu is
// held. Over the bound the rest is left to another look, which counts what is lost.
func (b *Broker) holdBatch(x *topic, p *batch) {
	size := 0
	for i := range p.messages {
		size += len(p.messages[i].Frame) + 64
	}
	if x.heldOverflow = x.heldOverflow || x.heldBytes+size > b.opts.MaxQueue; x.heldOverflow {
		return
	}
	x.heldBytes += size
	x.held = append(x.held, *p)
}

// again has the link look where a topic stands, since something is missing.
func (b *Broker) startResync(x *topic, p *batch) {
	x.syncing = true
	b.holdBatch(x, p)
	b.requestResync(x)
}

// lookAgain has the link subscribe a topic anew. It is subscribed, and to say so again
// does no harm.
func (b *Broker) requestResync(x *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	x.subscribed = false
	b.markChanged(x)
}
