package broker

// Message is one message of a topic: a frame, or a command to close the connections of a user.
type Message struct {
	Frame  []byte // WebSocket frame; nil if Close is set
	Close  *Close
	Except uint64 // connection of node Node that does not get the message; 0: none
	Node   string // node that published it
	ackID  uint64 // the publisher wants receipts under this number; 0: none
}

// Close has the close code and reason for connections that end.
type Close struct {
	Code   int    `json:"code"`
	Reason string `json:"reason,omitempty"`
}

// Publish sends a message to the members of a topic on all nodes, this one included. It does not
// wait, and keeps the frame. While the link is down the members here get the message at once; with a
// history the others get it later.
func (b *Broker) Publish(t Topic, m Message) {
	tp := b.lockTopic(t)
	b.publishLocked(tp, m)
	idle := len(tp.queue) == 0
	tp.mu.Unlock()
	if idle {
		b.removeUnused(tp)
	}
}

// publishLocked is Publish; tp.mu is held.
func (b *Broker) publishLocked(tp *topic, m Message) {
	m.Node = b.opts.Node
	o := outgoing{Message: m, seq: tp.nextSeq}
	tp.nextSeq++
	if !b.up.Load() || tp.blocked {
		b.deliverQueuedLocked(tp) // earlier messages come first
		b.deliverLocally(tp, &o)
		if tp.Size == 0 {
			b.stats.unsent.Add(1)
			return
		}
	}
	b.enqueue(tp, o)
}

// deliverLocally delivers a message to the members here, without Redis; tp.mu is held.
func (b *Broker) deliverLocally(tp *topic, o *outgoing) {
	o.delivered = true
	m := o.Message
	m.ackID = 0
	b.receipts.deliveredLocally(o.ackID, b.opts.Node, b.opts.Deliver(tp.Topic, Position{}, []Message{m}))
}

// deliverQueued delivers the queued messages of a topic to the members here, because the link is
// down. With a history they stay queued. Without one only those stay that Redis may have accepted,
// until a resync shows whether it has.
func (b *Broker) deliverQueued(tp *topic) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	b.deliverQueuedLocked(tp)
}

// deliverQueuedLocked is deliverQueued; tp.mu is held.
func (b *Broker) deliverQueuedLocked(tp *topic) {
	if n := len(tp.queue); n == 0 || tp.accepted == 0 && tp.queue[n-1].delivered {
		return
	}
	kept, freed, accepted := tp.queue[:0], 0, tp.accepted
	for i := range tp.queue {
		o := tp.queue[i]
		switch {
		case o.delivered:
		case o.seq <= tp.lastEcho:
			o.delivered = true // it came back; only the answer to its batch was lost
			b.receipts.deliveredLocally(o.ackID, b.opts.Node, 0)
		default:
			b.deliverLocally(tp, &o)
			tp.markDelivered(o.seq)
		}
		if i >= accepted && (tp.Size > 0 || o.seq <= tp.lastSent) {
			kept = append(kept, o)
			continue
		}
		freed += o.bytes()
		if i >= accepted {
			delete(tp.deliveredLocally, o.seq) // it never comes back
			b.stats.unsent.Add(1)
		}
	}
	clear(tp.queue[len(kept):])
	tp.queue, tp.accepted = kept, 0
	b.mu.Lock()
	b.releaseQueued(freed)
	b.mu.Unlock()
}

// deliverRefused delivers messages that Redis refused for good to the members here, and drops them.
func (b *Broker) deliverRefused(tp *topic) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	b.deliverRefusedLocked(tp)
}

// deliverRefusedLocked is deliverRefused; tp.mu is held. Accepted messages that did not come back
// yet are delivered first, and marked so that they are skipped when they come back.
func (b *Broker) deliverRefusedLocked(tp *topic) {
	n := tp.accepted + tp.inFlight
	for i := range tp.queue[:n] {
		o := &tp.queue[i]
		expected := i < tp.accepted && o.seq > tp.lastEcho
		if !o.delivered && (i >= tp.accepted || expected) {
			b.deliverLocally(tp, o)
		}
		if expected {
			tp.markDelivered(o.seq)
		} else {
			delete(tp.deliveredLocally, o.seq)
		}
	}
	b.stats.unsent.Add(uint64(tp.inFlight))
	tp.accepted, tp.inFlight = 0, 0
	b.dropFront(tp, n)
	b.resumeSending(tp)
}
