package broker

import (
	"hash/maphash"

	"github.com/redis/rueidis"
)

// inboundBatch is a batch for a worker.
type inboundBatch struct {
	topic *topic
	batch batch
}

var hashSeed = maphash.MakeSeed()

// onPublication handles a publication of a subscribing connection, one at a time. All batches of a
// topic go through one worker, which keeps their order.
func (b *Broker) onPublication(m rueidis.PubSubMessage) {
	switch m.Channel {
	case b.clusterChannel(), b.nodeChannel(b.opts.Node):
		b.enqueueClusterMessage(m.Message)
		return
	}
	b.mu.Lock()
	tp := b.topics[m.Channel]
	b.mu.Unlock()
	if tp == nil {
		return // unsubscribed meanwhile
	}
	p, err := parseBatch([]byte(m.Message))
	if err != nil {
		b.log.Warn("unreadable publication ignored", "topic", m.Channel, "err", err)
		return
	}
	w := b.workers[maphash.String(hashSeed, m.Channel)%uint64(len(b.workers))]
	select {
	case w <- inboundBatch{tp, p}:
	case <-b.ctx.Done():
	}
}

// runWorker handles the batches of some topics until the Broker closes.
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

// handleBatch delivers a batch, holds it while a resync is due, or starts a resync if its offset
// does not follow the position of the topic. tp.mu is held.
func (b *Broker) handleBatch(tp *topic, p *batch) {
	if tp.syncing {
		b.holdBatch(tp, p)
		return
	}
	if !tp.positioned {
		return // unsubscribed meanwhile
	}
	messages, at, seq := p.messages, p.first, p.seq
	switch {
	case at.Epoch != tp.position.Epoch:
		// Redis has lost the topic, or this is its first message.
		if tp.position.Offset > 0 {
			b.stats.resets.Add(1)
		}
		if at.Offset > 1 || tp.position.Offset > 0 {
			b.opts.SetPosition(tp.Topic, Position{at.Epoch, at.Offset - 1})
		}
	case at.Offset <= tp.position.Offset:
		old := min(tp.position.Offset-at.Offset+1, uint64(len(messages)))
		messages, at.Offset, seq = messages[old:], at.Offset+old, seq+old
	case at.Offset > tp.position.Offset+1:
		b.startResync(tp, p)
		return
	}
	if len(messages) == 0 {
		return
	}
	b.stats.received.Add(uint64(len(messages)))
	own := b.isOwn(tp, p.node, p.seq)
	if own {
		tp.lastEcho = p.seq + uint64(len(p.messages)) - 1
		b.trimQueue(tp)
	}
	tp.position = Position{at.Epoch, at.Offset + uint64(len(messages)) - 1}
	if !own || len(tp.deliveredLocally) == 0 {
		b.deliverBatch(tp, at, messages)
		return
	}
	for i, m := range messages {
		b.deliverOnce(tp, Position{at.Epoch, at.Offset + uint64(i)}, seq+uint64(i), m)
	}
}

// deliverBatch delivers messages; tp.mu is held. Options.Deliver returns the sockets of the last
// message, so each message that wants receipts is the last of a call.
func (b *Broker) deliverBatch(tp *topic, at Position, messages []Message) {
	for len(messages) > 0 {
		n := 1
		for n < len(messages) && messages[n-1].ackID == 0 {
			n++
		}
		b.sendAcks(messages[:n], b.opts.Deliver(tp.Topic, at, messages[:n]))
		messages, at.Offset = messages[n:], at.Offset+uint64(n)
	}
}

// deliverOnce delivers a message unless the members here have it already; tp.mu is held.
func (b *Broker) deliverOnce(tp *topic, at Position, seq uint64, m Message) {
	tp.position, tp.positioned = at, true
	own := b.isOwn(tp, m.Node, seq)
	if own && seq > tp.lastEcho { // read from the history before it came back
		tp.lastEcho = seq
		b.trimQueue(tp)
	}
	if _, ok := tp.deliveredLocally[seq]; ok && own {
		delete(tp.deliveredLocally, seq)
		b.opts.Advance(tp.Topic, at)
		return
	}
	n := b.opts.Deliver(tp.Topic, at, []Message{m})
	b.sendAcks([]Message{m}, n)
}

// holdBatch keeps a batch until the resync of its topic completes; tp.mu is held. Above
// Options.MaxQueue it drops this batch and all later ones, and another resync finds what they had.
func (b *Broker) holdBatch(tp *topic, p *batch) {
	size := 0
	for i := range p.messages {
		size += len(p.messages[i].Frame) + 64
	}
	tp.heldOverflow = tp.heldOverflow || tp.heldBytes+size > b.opts.MaxQueue
	if tp.heldOverflow {
		return
	}
	tp.heldBytes += size
	tp.held = append(tp.held, *p)
}

// startResync resyncs a topic because messages before p are missing; tp.mu is held.
func (b *Broker) startResync(tp *topic, p *batch) {
	tp.syncing = true
	b.holdBatch(tp, p)
	b.requestResync(tp)
}

// requestResync makes runLink subscribe a topic again, and resync it. To subscribe twice does no
// harm.
func (b *Broker) requestResync(tp *topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	tp.subscribed = false
	b.markChanged(tp)
}
