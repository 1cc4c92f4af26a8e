package broker

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// outgoing is a message that waits to be sent.
type outgoing struct {
	Message
	seq       uint64
	delivered bool // it was delivered here already, as the link was broken
}

func (o *outgoing) bytes() int { return len(o.Frame) + 64 }

// Bounds of one publication.
const (
	maxBatchMessages = 256
	maxBatchBytes    = 256 << 10
	maxRoundTopics   = 128 // in one round trip
)

// metaTTL is how long a topic's numbers outlive its last message: as long as
// nodes that were cut off shall be able to tell what they have missed.
func (t Topic) metaTTL() time.Duration { return max(time.Hour, 2*t.TTL) }

// Publish sends a message to the members of a topic on all nodes, this one
// included. It does not wait, and keeps the frame. While the link is broken the members here get it
// at once; with a history the others get it later.
func (b *Broker) Publish(t Topic, m Message) {
	x := b.lockTopic(t)
	b.publishLocked(x, m)
	idle := len(x.queue) == 0
	x.mu.Unlock()
	if idle {
		b.removeUnused(x)
	}
}

// locked gives a topic with its lock held.
func (b *Broker) lockTopic(t Topic) *topic {
	for {
		b.mu.Lock()
		x := b.ensureTopic(t)
		b.mu.Unlock()
		x.mu.Lock()
		if !x.removed {
			return x
		}
		x.mu.Unlock() // forgotten in the meantime
	}
}

// publishTo is Publish; x.mu is held.
func (b *Broker) publishLocked(x *topic, m Message) {
	m.Node = b.opts.Node
	o := outgoing{Message: m, seq: x.nextSeq}
	x.nextSeq++
	if !b.up.Load() || x.blocked {
		b.deliverQueuedLocked(x) // what was sent before goes before
		b.deliverLocally(x, &o)
		if x.Size == 0 {
			b.stats.unsent.Add(1)
			return
		}
	}
	b.enqueue(x, o)
}

// enqueue puts a message behind those that wait; x.mu is held.
func (b *Broker) enqueue(x *topic, o outgoing) {
	b.mu.Lock()
	full := b.queuedBytes+o.bytes() > b.opts.MaxQueue
	if !full {
		b.queuedBytes += o.bytes()
		if !x.inBlocked {
			b.makeReady(x)
		}
	}
	b.mu.Unlock()
	if full {
		b.stats.overflow.Add(1)
		if !o.delivered {
			b.deliverLocally(x, &o)
		}
		return
	}
	if o.delivered {
		x.markDelivered(o.seq)
	}
	x.queue = append(x.queue, o)
}

// remember says that a message that will come, or may, was delivered; mu is held.
func (x *topic) markDelivered(seq uint64) {
	if x.deliveredLocally == nil || len(x.deliveredLocally) >= maxDelivered {
		x.deliveredLocally = map[uint64]struct{}{}
	}
	x.deliveredLocally[seq] = struct{}{}
}

// maxRemembered bounds what a topic remembers. MaxQueue is a closer bound, but
// for what Redis has lost.
const maxDelivered = 1 << 18

// makeReady has send look at a topic; mu is held.
func (b *Broker) makeReady(x *topic) {
	if !x.inReady {
		x.inReady = true
		b.ready = append(b.ready, x)
	}
	signal(b.sendWork)
}

// deliverHere gives a message to the members here, without Redis; x.mu is held.
func (b *Broker) deliverLocally(x *topic, o *outgoing) {
	o.delivered = true
	m := o.Message
	m.ackID = 0
	b.receipts.deliveredLocally(o.ackID, b.opts.Node, b.opts.Deliver(x.Topic, Position{}, []Message{m}))
}

// send sends what waits, a round trip at a time. A topic has one batch on its
// way, which is what keeps its order; more gathers behind it meanwhile.
func (b *Broker) runSender() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.sendWork:
		}
		for b.up.Load() && b.sendRound() {
		}
	}
}

// round sends a batch of each of the first ready topics, as much as the link carries in
// time. It is false when there were none.
func (b *Broker) sendRound() bool {
	var topics []*topic
	var cmds []rueidis.LuaExec
	size, limit := 0, b.publishLimit.bytes()
	ready := b.takeReady()
	for i, x := range ready {
		if size >= limit {
			b.requeue(ready[i:])
			break
		}
		exec, n := b.prepareBatch(x, limit-size)
		if n == 0 {
			b.removeUnused(x) // it was ready for what others have taken care of since
			continue
		}
		topics, cmds, size = append(topics, x), append(cmds, exec), size+n
	}
	if len(topics) == 0 {
		return len(ready) > 0
	}
	start := time.Now()
	if err := b.publishBatches(topics, cmds); err == nil {
		b.publishLimit.answered(size, time.Since(start), b.opts.Timeout)
	} else if b.ctx.Err() == nil {
		b.publishLimit.failed(err)
		b.failLink(fmt.Errorf("publish: %w", err))
	}
	return true
}

// fire sends the batches of topics. An error is one of the link.
func (b *Broker) publishBatches(topics []*topic, cmds []rueidis.LuaExec) (broken error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	for i, r := range b.evalScripts(ctx, publishScript, cmds) {
		if err := b.handleAnswer(topics[i], r); err != nil {
			broken = err
		}
	}
	return broken
}

func (b *Broker) takeReady() []*topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.ready), maxRoundTopics)
	topics := append([]*topic(nil), b.ready[:n]...)
	b.ready = append(b.ready[:0], b.ready[n:]...)
	for _, x := range topics {
		x.inReady = false
	}
	return topics
}

// giveBack has topics be the first of the next round.
func (b *Broker) requeue(topics []*topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var first []*topic
	for _, x := range topics {
		if !x.inReady {
			x.inReady = true
			first = append(first, x)
		}
	}
	b.ready = append(first, b.ready...)
}

// next says how many of those that wait make the next batch, and how large it is. Their
// numbers have no gap: the batch tells the first only. What Redis may have already goes
// without what it has not: it takes all of a batch or nothing.
func (x *topic) nextBatch(limit int) (n, size int) {
	waiting := x.queue[x.accepted:]
	for limit = min(limit, maxBatchBytes); n < min(len(waiting), maxBatchMessages); n++ {
		o, cost := &waiting[n], waiting[n].bytes()
		if x.Size > 0 {
			cost *= 2 // for the history, too
		}
		if n > 0 && (size+cost > limit || o.seq != waiting[n-1].seq+1 || o.seq > x.lastSent && waiting[0].seq <= x.lastSent) {
			break
		}
		size += cost
	}
	return n, size
}

// fly makes the command for the next batch of a topic. A topic with members
// here that is not subscribed yet has to wait: they would not hear it. size 0: there is none.
func (b *Broker) prepareBatch(x *topic, limit int) (e rueidis.LuaExec, size int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.queue) == x.accepted || b.awaitsSubscription(x) || x.syncing {
		return e, 0 // holding: sync makes it ready again
	}
	x.inFlight, size = x.nextBatch(limit)
	msgs := x.queue[x.accepted : x.accepted+x.inFlight]
	x.lastSent = max(x.lastSent, msgs[len(msgs)-1].seq)
	command := "PUBLISH"
	if b.sharded.Load() {
		command = "SPUBLISH"
	}
	args := []string{
		x.channel, command, randomID(), millis(x.metaTTL()), strconv.FormatUint(msgs[0].seq, 10), strconv.Itoa(len(msgs)),
		rueidis.BinaryString(appendBody(nil, b.opts.Node, msgs[0].seq, msgs)), strconv.Itoa(x.Size), millis(x.TTL), b.incarnation,
	}
	if x.Size > 0 {
		for i := range msgs {
			m := msgs[i].Message
			m.ackID = 0
			p := appendBytes(nil, []byte(b.opts.Node))
			p = appendMessage(binary.AppendUvarint(p, msgs[i].seq), &m)
			args = append(args, rueidis.BinaryString(p))
		}
	}
	return rueidis.LuaExec{Keys: []string{metaKey(x.channel), streamKey(x.channel), senderKey(x.channel, b.opts.Node)}, Args: args}, size
}

func millis(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

func randomID() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// land takes the answer to a batch. An error is one of the link: the batch
// waits, and is sent again.
func (b *Broker) handleAnswer(x *topic, r rueidis.RedisResult) error {
	values, err := r.ToArray()
	var re *rueidis.RedisError
	switch {
	case err == nil && len(values) != 3:
		err = errors.New("an answer of another form")
	case errors.As(err, &re) && breaksLink(re):
	case errors.As(err, &re) && blocksWrites(re):
		b.markWritesBlocked(err)
		b.blockTopic(x)
		return nil
	case errors.As(err, &re):
		b.log.Error("broker: Redis refuses to publish; the messages reach this node alone", "topic", x.channel, "err", err)
		b.deliverRefused(x)
		return nil
	}
	if err != nil {
		x.mu.Lock()
		x.inFlight = 0
		x.mu.Unlock()
		return err
	}
	got, _ := values[2].AsInt64()
	nodes := int(got) // -1: it was taken before, and nobody knows by how many
	if b.clustered.Load() && !b.sharded.Load() {
		nodes = b.countSubscribers(x) // PUBLISH counts those at one node of Redis
	}
	x.mu.Lock()
	defer b.removeUnused(x)
	defer x.mu.Unlock()
	var last Position
	if epoch, err := values[0].ToString(); err == nil && x.Size > 0 && got >= 0 {
		text, _ := values[1].ToString()
		last.Epoch = epoch
		last.Offset, _ = strconv.ParseUint(text, 10, 64)
	}
	for i := range x.inFlight {
		at := last
		at.Offset -= min(last.Offset, uint64(x.inFlight-1-i))
		b.receipts.accepted(x.queue[x.accepted+i].ackID, nodes, at)
	}
	b.resumeWrites(x)
	b.stats.published.Add(uint64(x.inFlight))
	x.accepted, x.inFlight = x.accepted+x.inFlight, 0
	b.trimQueue(x)
	b.resumeSending(x)
	return nil
}

// goOn has send look at a topic again if something waits; x.mu is held.
func (b *Broker) resumeSending(x *topic) {
	if len(x.queue) > x.accepted {
		b.mu.Lock()
		b.makeReady(x)
		b.mu.Unlock()
	}
}

// trim forgets what Redis has and has come back; where nobody listens here,
// all that Redis has. x.mu is held.
func (b *Broker) trimQueue(x *topic) {
	b.mu.Lock()
	listening := x.subscriptions > 0
	b.mu.Unlock()
	n := 0
	for n < x.accepted && (!listening || x.queue[n].delivered || x.queue[n].seq <= x.lastEcho) {
		n++
	}
	x.accepted -= n
	b.dropFront(x, n)
}

// drop forgets the first n messages; x.mu is held.
func (b *Broker) dropFront(x *topic, n int) {
	size := 0
	for i := range x.queue[:n] {
		size += x.queue[i].bytes()
	}
	clear(x.queue[:n])
	if x.queue = x.queue[n:]; len(x.queue) == 0 {
		x.queue = nil
	}
	b.mu.Lock()
	b.releaseQueued(size)
	b.mu.Unlock()
}

// divert gives what waits to the members here, since the link is broken. With
// a history it stays to be sent later; without one only what may have been
// sent already stays, so that it is known whether it was.
func (b *Broker) deliverQueued(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b.deliverQueuedLocked(x)
}

// divertOut is divert; x.mu is held.
func (b *Broker) deliverQueuedLocked(x *topic) {
	if n := len(x.queue); n == 0 || x.accepted == 0 && x.queue[n-1].delivered {
		return
	}
	kept, freed, landed := x.queue[:0], 0, x.accepted
	for i := range x.queue {
		o := x.queue[i]
		switch {
		case o.delivered:
		case o.seq <= x.lastEcho:
			o.delivered = true // it came back, and only the answer did not
			b.receipts.deliveredLocally(o.ackID, b.opts.Node, 0)
		default:
			b.deliverLocally(x, &o)
			x.markDelivered(o.seq)
		}
		if i >= landed && (x.Size > 0 || o.seq <= x.lastSent) {
			kept = append(kept, o)
			continue
		}
		freed += o.bytes()
		if i >= landed {
			delete(x.deliveredLocally, o.seq) // it never comes
			b.stats.unsent.Add(1)
		}
	}
	clear(x.queue[len(kept):])
	x.queue, x.accepted = kept, 0
	b.mu.Lock()
	b.releaseQueued(freed)
	b.mu.Unlock()
}

// flush waits until everything has been sent, or the link is broken.
func (b *Broker) flush(ctx context.Context) error {
	waiting := func() (queued, unlocking int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.queuedBytes, b.unlocks
	}
	if !b.waitUntil(ctx, func() bool { n, m := waiting(); return n+m == 0 || !b.up.Load() }) {
		if queued, _ := waiting(); queued > 0 {
			return fmt.Errorf("broker: %d bytes were not sent: %w", queued, ctx.Err())
		}
	}
	return nil
}
