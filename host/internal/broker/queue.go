package broker

// outgoing is a message in the queue of a topic.
type outgoing struct {
	Message
	seq       uint64
	delivered bool // to the members here, without Redis
}

// bytes is the size that counts for Options.MaxQueue.
func (o *outgoing) bytes() int { return len(o.Frame) + 64 }

// maxDelivered limits topic.deliveredLocally. Options.MaxQueue limits it to less, except for
// messages that Redis has lost.
const maxDelivered = 1 << 18

// enqueue appends a message to the queue; tp.mu is held. A message that exceeds the limit is
// delivered to the members here alone.
func (b *Broker) enqueue(tp *topic, o outgoing) {
	b.mu.Lock()
	full := b.queuedBytes+o.bytes() > b.opts.MaxQueue
	if !full {
		b.queuedBytes += o.bytes()
		if !tp.inBlocked {
			b.makeReady(tp)
		}
	}
	b.mu.Unlock()
	if full {
		b.stats.overflow.Add(1)
		if !o.delivered {
			b.deliverLocally(tp, &o)
		}
		return
	}
	if o.delivered {
		tp.markDelivered(o.seq)
	}
	tp.queue = append(tp.queue, o)
}

// markDelivered records that the members here have a message that may still come back; mu is held.
func (tp *topic) markDelivered(seq uint64) {
	if tp.deliveredLocally == nil || len(tp.deliveredLocally) >= maxDelivered {
		tp.deliveredLocally = map[uint64]struct{}{}
	}
	tp.deliveredLocally[seq] = struct{}{}
}

// nextBatch returns the number and the size of the waiting messages that make the next batch. A
// batch carries only its first sequence number, so its numbers have no gap. Redis accepts a batch
// as a whole or not at all, so messages that it may have are not mixed with messages that it cannot
// have. mu is held.
func (tp *topic) nextBatch(limit int) (n, size int) {
	waiting := tp.queue[tp.accepted:]
	for limit = min(limit, maxBatchBytes); n < min(len(waiting), maxBatchMessages); n++ {
		o, cost := &waiting[n], waiting[n].bytes()
		if tp.Size > 0 {
			cost *= 2 // the history entry repeats the message
		}
		if n > 0 && (size+cost > limit || o.seq != waiting[n-1].seq+1 ||
			o.seq > tp.lastSent && waiting[0].seq <= tp.lastSent) {
			break
		}
		size += cost
	}
	return n, size
}

// trimQueue drops accepted messages that came back; without members here, all accepted messages.
// tp.mu is held.
func (b *Broker) trimQueue(tp *topic) {
	b.mu.Lock()
	hasMembers := tp.subscriptions > 0
	b.mu.Unlock()
	n := 0
	for n < tp.accepted && (!hasMembers || tp.queue[n].delivered || tp.queue[n].seq <= tp.lastEcho) {
		n++
	}
	tp.accepted -= n
	b.dropFront(tp, n)
}

// dropFront drops the first n messages of the queue; tp.mu is held.
func (b *Broker) dropFront(tp *topic, n int) {
	size := 0
	for i := range tp.queue[:n] {
		size += tp.queue[i].bytes()
	}
	clear(tp.queue[:n])
	if tp.queue = tp.queue[n:]; len(tp.queue) == 0 {
		tp.queue = nil
	}
	b.mu.Lock()
	b.releaseQueued(size)
	b.mu.Unlock()
}

// makeReady puts a topic in the list of those to send; mu is held.
func (b *Broker) makeReady(tp *topic) {
	if !tp.inReady {
		tp.inReady = true
		b.ready = append(b.ready, tp)
	}
	signal(b.sendWork)
}

// takeReady removes the first ready topics and returns them, as many as one round trip may carry.
func (b *Broker) takeReady() []*topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.ready), maxRoundTopics)
	topics := append([]*topic(nil), b.ready[:n]...)
	b.ready = append(b.ready[:0], b.ready[n:]...)
	for _, tp := range topics {
		tp.inReady = false
	}
	return topics
}

// requeue puts topics in front of the ready ones.
func (b *Broker) requeue(topics []*topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var first []*topic
	for _, tp := range topics {
		if !tp.inReady {
			tp.inReady = true
			first = append(first, tp)
		}
	}
	b.ready = append(first, b.ready...)
}

// resumeSending makes a topic ready if messages wait; tp.mu is held.
func (b *Broker) resumeSending(tp *topic) {
	if len(tp.queue) > tp.accepted {
		b.mu.Lock()
		b.makeReady(tp)
		b.mu.Unlock()
	}
}
