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
	seq   uint64
	local bool // it was delivered here already, as the link was broken
}

func (o *outgoing) bytes() int { return len(o.Frame) + 64 }

// Bounds of one publication.
const (
	batchMessages = 256
	batchBytes    = 256 << 10
	roundTopics   = 128 // in one round trip
)

// metaTTL is how long a topic's numbers outlive its last message: as long as
// nodes that were cut off shall be able to tell what they have missed.
func (t Topic) metaTTL() time.Duration { return max(time.Hour, 2*t.TTL) }

// Publish sends a message to the members of a topic on all nodes, this one
// included. It does not wait, and keeps the frame. While the link is broken the members here get it
// at once; with a history the others get it later.
func (b *Broker) Publish(t Topic, m Message) {
	x := b.locked(t)
	b.publishTo(x, m)
	idle := len(x.out) == 0
	x.mu.Unlock()
	if idle {
		b.forget(x)
	}
}

// locked gives a topic with its lock held.
func (b *Broker) locked(t Topic) *topic {
	for {
		b.mu.Lock()
		x := b.topic(t)
		b.mu.Unlock()
		x.mu.Lock()
		if !x.dead {
			return x
		}
		x.mu.Unlock() // forgotten in the meantime
	}
}

// publishTo is Publish; x.mu is held.
func (b *Broker) publishTo(x *topic, m Message) {
	m.Node = b.o.Node
	o := outgoing{Message: m, seq: x.nextSeq}
	x.nextSeq++
	if !b.up.Load() || x.waits {
		b.divertOut(x) // what was sent before goes before
		b.deliverHere(x, &o)
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
	full := b.queued+o.bytes() > b.o.MaxQueue
	if !full {
		b.queued += o.bytes()
		if !x.stalled {
			b.makeReady(x)
		}
	}
	b.mu.Unlock()
	if full {
		b.stats.overflow.Add(1)
		if !o.local {
			b.deliverHere(x, &o)
		}
		return
	}
	if o.local {
		x.remember(o.seq)
	}
	x.out = append(x.out, o)
}

// remember says that a message that will come, or may, was delivered; mu is held.
func (x *topic) remember(seq uint64) {
	if x.local == nil || len(x.local) >= maxRemembered {
		x.local = map[uint64]struct{}{}
	}
	x.local[seq] = struct{}{}
}

// maxRemembered bounds what a topic remembers. MaxQueue is a closer bound, but
// for what Redis has lost.
const maxRemembered = 1 << 18

// makeReady has send look at a topic; mu is held.
func (b *Broker) makeReady(x *topic) {
	if !x.isReady {
		x.isReady = true
		b.ready = append(b.ready, x)
	}
	poke(b.wake)
}

// deliverHere gives a message to the members here, without Redis; x.mu is held.
func (b *Broker) deliverHere(x *topic, o *outgoing) {
	o.local = true
	m := o.Message
	m.ack = 0
	b.acks.alone(o.ack, b.o.Node, b.o.Deliver(x.Topic, Position{}, []Message{m}))
}

// send sends what waits, a round trip at a time. A topic has one batch on its
// way, which is what keeps its order; more gathers behind it meanwhile.
func (b *Broker) send() {
	for {
		select {
		case <-b.ctx.Done():
			return
		case <-b.wake:
		}
		for b.up.Load() && b.round() {
		}
	}
}

// round sends a batch of each of the first ready topics, as much as the link carries in
// time. It is false when there were none.
func (b *Broker) round() bool {
	var topics []*topic
	var cmds []rueidis.LuaExec
	size, limit := 0, b.sends.bytes()
	ready := b.takeReady()
	for i, x := range ready {
		if size >= limit {
			b.giveBack(ready[i:])
			break
		}
		exec, n := b.fly(x, limit-size)
		if n == 0 {
			b.forget(x) // it was ready for what others have taken care of since
			continue
		}
		topics, cmds, size = append(topics, x), append(cmds, exec), size+n
	}
	if len(topics) == 0 {
		return len(ready) > 0
	}
	start := time.Now()
	if err := b.fire(topics, cmds); err == nil {
		b.sends.answered(size, time.Since(start), b.o.Timeout)
	} else if b.ctx.Err() == nil {
		b.sends.broken(err)
		b.fail(fmt.Errorf("publish: %w", err))
	}
	return true
}

// fire sends the batches of topics. An error is one of the link.
func (b *Broker) fire(topics []*topic, cmds []rueidis.LuaExec) (broken error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Timeout)
	defer cancel()
	for i, r := range b.eval(ctx, publishScript, cmds) {
		if err := b.land(topics[i], r); err != nil {
			broken = err
		}
	}
	return broken
}

func (b *Broker) takeReady() []*topic {
	b.mu.Lock()
	defer b.mu.Unlock()
	n := min(len(b.ready), roundTopics)
	topics := append([]*topic(nil), b.ready[:n]...)
	b.ready = append(b.ready[:0], b.ready[n:]...)
	for _, x := range topics {
		x.isReady = false
	}
	return topics
}

// giveBack has topics be the first of the next round.
func (b *Broker) giveBack(topics []*topic) {
	b.mu.Lock()
	defer b.mu.Unlock()
	var first []*topic
	for _, x := range topics {
		if !x.isReady {
			x.isReady = true
			first = append(first, x)
		}
	}
	b.ready = append(first, b.ready...)
}

// next says how many of those that wait make the next batch, and how large it is. Their
// numbers have no gap: the batch tells the first only. What Redis may have already goes
// without what it has not: it takes all of a batch or nothing.
func (x *topic) next(limit int) (n, size int) {
	waiting := x.out[x.landed:]
	for limit = min(limit, batchBytes); n < min(len(waiting), batchMessages); n++ {
		o, cost := &waiting[n], waiting[n].bytes()
		if x.Size > 0 {
			cost *= 2 // for the history, too
		}
		if n > 0 && (size+cost > limit || o.seq != waiting[n-1].seq+1 || o.seq > x.tried && waiting[0].seq <= x.tried) {
			break
		}
		size += cost
	}
	return n, size
}

// fly makes the command for the next batch of a topic. A topic with members
// here that is not subscribed yet has to wait: they would not hear it. size 0: there is none.
func (b *Broker) fly(x *topic, limit int) (e rueidis.LuaExec, size int) {
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(x.out) == x.landed || b.unheard(x) || x.holding {
		return e, 0 // holding: sync makes it ready again
	}
	x.flying, size = x.next(limit)
	msgs := x.out[x.landed : x.landed+x.flying]
	x.tried = max(x.tried, msgs[len(msgs)-1].seq)
	command := "PUBLISH"
	if b.sharded.Load() {
		command = "SPUBLISH"
	}
	args := []string{
		x.channel, command, newEpoch(), ms(x.metaTTL()), strconv.FormatUint(msgs[0].seq, 10), strconv.Itoa(len(msgs)),
		rueidis.BinaryString(appendBody(nil, b.o.Node, msgs[0].seq, msgs)), strconv.Itoa(x.Size), ms(x.TTL), b.life,
	}
	if x.Size > 0 {
		for i := range msgs {
			m := msgs[i].Message
			m.ack = 0
			p := appendBytes(nil, []byte(b.o.Node))
			p = appendMessage(binary.AppendUvarint(p, msgs[i].seq), &m)
			args = append(args, rueidis.BinaryString(p))
		}
	}
	return rueidis.LuaExec{Keys: []string{metaKey(x.channel), streamKey(x.channel), senderKey(x.channel, b.o.Node)}, Args: args}, size
}

func ms(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }

func newEpoch() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// land takes the answer to a batch. An error is one of the link: the batch
// waits, and is sent again.
func (b *Broker) land(x *topic, r rueidis.RedisResult) error {
	values, err := r.ToArray()
	var re *rueidis.RedisError
	switch {
	case err == nil && len(values) != 3:
		err = errors.New("an answer of another form")
	case errors.As(err, &re) && isPassing(re):
	case errors.As(err, &re) && isWaiting(re):
		b.takesNothing(err)
		b.stall(x)
		return nil
	case errors.As(err, &re):
		b.log.Error("broker: Redis refuses to publish; the messages reach this node alone", "topic", x.channel, "err", err)
		b.refused(x)
		return nil
	}
	if err != nil {
		x.mu.Lock()
		x.flying = 0
		x.mu.Unlock()
		return err
	}
	got, _ := values[2].AsInt64()
	nodes := int(got) // -1: it was taken before, and nobody knows by how many
	if b.clustered.Load() && !b.sharded.Load() {
		nodes = b.listeners(x) // PUBLISH counts those at one node of Redis
	}
	x.mu.Lock()
	defer b.forget(x)
	defer x.mu.Unlock()
	var last Position
	if epoch, err := values[0].ToString(); err == nil && x.Size > 0 && got >= 0 {
		text, _ := values[1].ToString()
		last.Epoch = epoch
		last.Offset, _ = strconv.ParseUint(text, 10, 64)
	}
	for i := range x.flying {
		at := last
		at.Offset -= min(last.Offset, uint64(x.flying-1-i))
		b.acks.landed(x.out[x.landed+i].ack, nodes, at)
	}
	b.takesAgain(x)
	b.stats.published.Add(uint64(x.flying))
	x.landed, x.flying = x.landed+x.flying, 0
	b.trim(x)
	b.goOn(x)
	return nil
}

// goOn has send look at a topic again if something waits; x.mu is held.
func (b *Broker) goOn(x *topic) {
	if len(x.out) > x.landed {
		b.mu.Lock()
		b.makeReady(x)
		b.mu.Unlock()
	}
}

// trim forgets what Redis has and has come back; where nobody listens here,
// all that Redis has. x.mu is held.
func (b *Broker) trim(x *topic) {
	b.mu.Lock()
	listening := x.wanted > 0
	b.mu.Unlock()
	n := 0
	for n < x.landed && (!listening || x.out[n].local || x.out[n].seq <= x.heard) {
		n++
	}
	x.landed -= n
	b.drop(x, n)
}

// drop forgets the first n messages; x.mu is held.
func (b *Broker) drop(x *topic, n int) {
	size := 0
	for i := range x.out[:n] {
		size += x.out[i].bytes()
	}
	clear(x.out[:n])
	if x.out = x.out[n:]; len(x.out) == 0 {
		x.out = nil
	}
	b.mu.Lock()
	b.free(size)
	b.mu.Unlock()
}

// divert gives what waits to the members here, since the link is broken. With
// a history it stays to be sent later; without one only what may have been
// sent already stays, so that it is known whether it was.
func (b *Broker) divert(x *topic) {
	x.mu.Lock()
	defer x.mu.Unlock()
	b.divertOut(x)
}

// divertOut is divert; x.mu is held.
func (b *Broker) divertOut(x *topic) {
	if n := len(x.out); n == 0 || x.landed == 0 && x.out[n-1].local {
		return
	}
	kept, freed, landed := x.out[:0], 0, x.landed
	for i := range x.out {
		o := x.out[i]
		switch {
		case o.local:
		case o.seq <= x.heard:
			o.local = true // it came back, and only the answer did not
			b.acks.alone(o.ack, b.o.Node, 0)
		default:
			b.deliverHere(x, &o)
			x.remember(o.seq)
		}
		if i >= landed && (x.Size > 0 || o.seq <= x.tried) {
			kept = append(kept, o)
			continue
		}
		freed += o.bytes()
		if i >= landed {
			delete(x.local, o.seq) // it never comes
			b.stats.unsent.Add(1)
		}
	}
	clear(x.out[len(kept):])
	x.out, x.landed = kept, 0
	b.mu.Lock()
	b.free(freed)
	b.mu.Unlock()
}

// flush waits until everything has been sent, or the link is broken.
func (b *Broker) flush(ctx context.Context) error {
	waiting := func() (queued, unlocking int) {
		b.mu.Lock()
		defer b.mu.Unlock()
		return b.queued, b.unlocking
	}
	if !b.await(ctx, func() bool { n, m := waiting(); return n+m == 0 || !b.up.Load() }) {
		if queued, _ := waiting(); queued > 0 {
			return fmt.Errorf("broker: %d bytes were not sent: %w", queued, ctx.Err())
		}
	}
	return nil
}
