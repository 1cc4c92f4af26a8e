package broker

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/redis/rueidis"
)

// Limits of one publication and of one round trip.
const (
	maxBatchMessages = 256
	maxBatchBytes    = 256 << 10
	maxRoundTopics   = 128
)

// runSender sends what is queued, one round trip at a time. Each topic has at most one batch in
// flight, which keeps its order; later messages gather in the queue meanwhile.
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

// sendRound sends one batch of each of the first ready topics, up to the size that publishLimit
// allows. It returns false if no topic was ready.
func (b *Broker) sendRound() bool {
	var topics []*topic
	var cmds []rueidis.LuaExec
	size, limit := 0, b.publishLimit.bytes()
	ready := b.takeReady()
	for i, tp := range ready {
		if size >= limit {
			b.requeue(ready[i:])
			break
		}
		exec, n := b.prepareBatch(tp, limit-size)
		if n == 0 {
			b.removeUnused(tp)
			continue
		}
		topics, cmds, size = append(topics, tp), append(cmds, exec), size+n
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

// prepareBatch returns the command for the next batch of a topic and its size. The size is 0 if
// nothing can be sent: the queue is empty, or the topic has members here and its subscription or
// resync is not complete, so that they would miss the batch.
func (b *Broker) prepareBatch(tp *topic, limit int) (e rueidis.LuaExec, size int) {
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if len(tp.queue) == tp.accepted || b.awaitsSubscription(tp) || tp.syncing {
		return e, 0 // resumeDelivery makes the topic ready again
	}
	tp.inFlight, size = tp.nextBatch(limit)
	msgs := tp.queue[tp.accepted : tp.accepted+tp.inFlight]
	tp.lastSent = max(tp.lastSent, msgs[len(msgs)-1].seq)
	command := "PUBLISH"
	if b.sharded.Load() {
		command = "SPUBLISH"
	}
	body := appendBody(nil, b.opts.Node, msgs[0].seq, msgs)
	args := []string{
		tp.channel, command, randomID(), millis(tp.metaTTL()),
		strconv.FormatUint(msgs[0].seq, 10), strconv.Itoa(len(msgs)), rueidis.BinaryString(body),
		strconv.Itoa(tp.Size), millis(tp.TTL), b.incarnation,
	}
	if tp.Size > 0 {
		for i := range msgs {
			m := msgs[i].Message
			m.ackID = 0
			p := appendBytes(nil, []byte(b.opts.Node))
			p = appendMessage(binary.AppendUvarint(p, msgs[i].seq), &m)
			args = append(args, rueidis.BinaryString(p))
		}
	}
	keys := []string{metaKey(tp.channel), streamKey(tp.channel), senderKey(tp.channel, b.opts.Node)}
	return rueidis.LuaExec{Keys: keys, Args: args}, size
}

// publishBatches sends one batch of each topic in one round trip. An error means that the link is
// broken.
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

// handleAnswer handles the answer to the batch in flight of a topic. An error means that the link is
// broken; the batch stays queued.
func (b *Broker) handleAnswer(tp *topic, r rueidis.RedisResult) error {
	values, err := r.ToArray()
	var re *rueidis.RedisError
	switch {
	case err == nil && len(values) != 3:
		err = errUnexpected
	case errors.As(err, &re) && breaksLink(re):
	case errors.As(err, &re) && blocksWrites(re):
		b.markWritesBlocked(err)
		b.blockTopic(tp)
		return nil
	case errors.As(err, &re):
		b.log.Error("redis refuses publication", "topic", tp.channel, "err", err)
		b.deliverRefused(tp)
		return nil
	}
	if err != nil {
		tp.mu.Lock()
		tp.inFlight = 0
		tp.mu.Unlock()
		return err
	}
	b.acceptBatch(tp, values)
	return nil
}

// acceptBatch marks the batch in flight as accepted. values are those of publishScript.
func (b *Broker) acceptBatch(tp *topic, values []rueidis.RedisMessage) {
	subscribers, _ := values[2].AsInt64()
	nodes := int(subscribers) // -1: the batch was accepted before, and the number is not known
	if b.clustered.Load() && !b.sharded.Load() {
		nodes = b.countSubscribers(tp) // PUBLISH counts the subscribers at one server of the Redis Cluster
	}
	tp.mu.Lock()
	defer b.removeUnused(tp)
	defer tp.mu.Unlock()
	var last Position
	if epoch, err := values[0].ToString(); err == nil && tp.Size > 0 && subscribers >= 0 {
		text, _ := values[1].ToString()
		last.Epoch = epoch
		last.Offset, _ = strconv.ParseUint(text, 10, 64)
	}
	for i := range tp.inFlight {
		at := last
		at.Offset -= min(last.Offset, uint64(tp.inFlight-1-i))
		b.receipts.accepted(tp.queue[tp.accepted+i].ackID, nodes, at)
	}
	b.resumeWrites(tp)
	b.stats.published.Add(uint64(tp.inFlight))
	tp.accepted, tp.inFlight = tp.accepted+tp.inFlight, 0
	b.trimQueue(tp)
	b.resumeSending(tp)
}

// millis formats a duration in milliseconds, at least 1.
func millis(d time.Duration) string { return strconv.FormatInt(max(d.Milliseconds(), 1), 10) }
