package broker

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// topicSync is the resync of a topic.
type topicSync struct {
	topic       *topic
	remote      Position // in Redis
	acceptedSeq uint64   // last sequence number of this process that Redis accepted
	local       Position // of the members here
	hasLocal    bool     // local is known

	read    *historyRead   // of the messages in between; nil: nothing is read
	entries []historyEntry // result of read
}

// resync finds the positions of topics that were just subscribed, delivers from their histories
// what the members here missed, counts what no history has, and delivers the held batches.
func (b *Broker) resync(topics []*topic) error {
	all, err := b.queryPositions(topics)
	if err != nil {
		return err
	}
	lost, lostTopics := uint64(0), 0
	defer func() {
		if lostTopics > 0 {
			b.log.Warn("messages missed", "messages", lost, "topics", lostTopics)
		}
	}()
	finish := func(s *topicSync) {
		if n := b.finishResync(s); n > 0 {
			lost, lostTopics = lost+n, lostTopics+1
		}
	}
	var reading []*topicSync
	for _, s := range all {
		if s.topic.Size > 0 && s.missing() > 0 {
			s.read = newHistoryRead(s.topic.channel, s.local.Offset+1, s.remote.Offset)
			reading = append(reading, s)
		} else {
			finish(s)
		}
	}
	for len(reading) > 0 {
		if err := b.readNextParts(reading); err != nil {
			return err
		}
		reading = slices.DeleteFunc(reading, func(s *topicSync) bool {
			if s.read.done {
				s.entries = s.read.entries
				finish(s)
			}
			return s.read.done
		})
	}
	return nil
}

// missing returns the number of messages between the members here and Redis.
func (s *topicSync) missing() uint64 {
	if !s.hasLocal || s.local.Epoch != s.remote.Epoch || s.remote.Offset <= s.local.Offset {
		return 0
	}
	return s.remote.Offset - s.local.Offset
}

// limitToHeld moves the remote position before the first held batch; topic.mu is held.
func (s *topicSync) limitToHeld() {
	if held := s.topic.held; len(held) > 0 && held[0].first.Epoch == s.remote.Epoch {
		s.remote.Offset = min(s.remote.Offset, held[0].first.Offset-1)
	}
}

// queryPositions asks Redis for the positions of topics in one round trip. A topic with a history
// gets an epoch if it has none, because clients get its position.
func (b *Broker) queryPositions(topics []*topic) (all []*topicSync, err error) {
	execs := make([]rueidis.LuaExec, len(topics))
	for i, tp := range topics {
		epoch := ""
		if tp.Size > 0 {
			epoch = randomID()
		}
		execs[i].Keys = []string{metaKey(tp.channel), streamKey(tp.channel), senderKey(tp.channel, b.opts.Node)}
		execs[i].Args = []string{epoch, millis(tp.metaTTL())}
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	for i, r := range b.evalScripts(ctx, positionScript, execs) {
		s := &topicSync{topic: topics[i]}
		values, err := r.AsStrSlice()
		if err == nil && len(values) != 3 {
			err = errUnexpected
		}
		if err != nil {
			return nil, fmt.Errorf("position of a topic: %w", err)
		}
		s.remote, s.acceptedSeq = newPosition(values), b.parseSender(values[2])
		if err := b.comparePosition(s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// parseSender returns the sequence number in the record of a sender; 0: the record is not of this
// process.
func (b *Broker) parseSender(text string) (seq uint64) {
	if incarnation, n, _ := strings.Cut(text, " "); incarnation == b.incarnation {
		seq, _ = strconv.ParseUint(n, 10, 64)
	}
	return seq
}

// comparePosition sets the local position, and begins another epoch if Redis stands behind it.
func (b *Broker) comparePosition(s *topicSync) (err error) {
	tp := s.topic
	tp.mu.Lock()
	s.local, s.hasLocal = tp.position, tp.positioned
	tp.mu.Unlock()
	if s.hasLocal && s.local.Epoch == s.remote.Epoch && s.remote.Offset < s.local.Offset {
		if s.remote.Epoch, err = b.renewEpoch(tp, s.local); err != nil {
			return err
		}
	}
	tp.mu.Lock()
	defer tp.mu.Unlock()
	s.limitToHeld()
	return nil
}

// renewEpoch begins another epoch of a topic and returns it, or the one that another node began.
func (b *Broker) renewEpoch(tp *topic, local Position) (epoch string, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	keys := []string{metaKey(tp.channel), streamKey(tp.channel)}
	cmd := b.client.B().Eval().Script(renewScript).Numkeys(2).Key(keys...).
		Arg(local.Epoch, strconv.FormatUint(local.Offset, 10), randomID()).Build()
	if epoch, err = b.client.Do(ctx, cmd).ToString(); err != nil {
		return "", fmt.Errorf("renew an epoch: %w", err)
	}
	b.log.Warn("redis lost messages of a topic", "topic", tp.channel, "offset", local.Offset)
	return epoch, nil
}

// maxReadTopics limits the topics whose histories are read in one round trip. One topic per round
// trip would keep a slow link with many topics from coming up.
const maxReadTopics = 32

// readNextParts reads the next part of the first histories.
func (b *Broker) readNextParts(reading []*topicSync) error {
	n := min(len(reading), maxReadTopics, max(b.readLimit.bytes()/minRoundBytes, 1))
	parts := make([]*historyRead, n)
	for i, s := range reading[:n] {
		parts[i] = s.read
	}
	return b.readParts(b.ctx, parts)
}

// finishResync delivers what was read and then the held batches. It returns the number of messages
// that are lost.
func (b *Broker) finishResync(s *topicSync) (lost uint64) {
	tp := s.topic
	tp.mu.Lock()
	defer tp.mu.Unlock()
	if len(s.entries) == 0 {
		s.limitToHeld() // batches may have arrived meanwhile
	}
	expected := b.expectedOwn(s)
	lost = s.missing() - uint64(len(s.entries))
	lost -= min(lost, dropDelivered(tp, s.acceptedSeq, expected)+b.deliverSkipped(s, expected))
	b.stats.missed.Add(lost)
	if s.hasLocal && s.local.Epoch != s.remote.Epoch && s.local.Offset > 0 {
		b.stats.resets.Add(1)
	}
	for _, e := range s.entries {
		b.deliverOnce(tp, Position{s.remote.Epoch, e.Offset}, e.seq, e.Message)
	}
	b.resumeDelivery(tp, s.remote)
	return lost
}

// expectedOwn returns the sequence numbers of own messages that were read or are held, and so will
// be delivered; topic.mu is held.
func (b *Broker) expectedOwn(s *topicSync) map[uint64]bool {
	all := map[uint64]bool{}
	for _, e := range s.entries {
		if b.isOwn(s.topic, e.Node, e.seq) {
			all[e.seq] = true
		}
	}
	for _, p := range s.topic.held {
		if b.isOwn(s.topic, p.node, p.seq) {
			for i := range p.messages {
				all[p.seq+uint64(i)] = true
			}
		}
	}
	return all
}

// dropDelivered forgets and counts the own messages that Redis accepted, that the members here have,
// and that will not come back; tp.mu is held.
func dropDelivered(tp *topic, acceptedSeq uint64, expected map[uint64]bool) (n uint64) {
	for seq := range tp.deliveredLocally {
		if seq <= acceptedSeq && !expected[seq] {
			n++
			delete(tp.deliveredLocally, seq)
		}
	}
	return n
}

// deliverSkipped handles own messages that Redis accepted while the topic was not subscribed, and
// that will not come back. Members with a position get them here; the others joined later and do
// not. It returns the number delivered. topic.mu is held.
func (b *Broker) deliverSkipped(s *topicSync, expected map[uint64]bool) (n uint64) {
	tp := s.topic
	for i := range tp.queue {
		o := &tp.queue[i]
		if o.seq > s.acceptedSeq || expected[o.seq] {
			break
		}
		if s.hasLocal && !o.delivered && o.seq > tp.lastEcho {
			b.deliverLocally(tp, o)
			n++
		}
		tp.lastEcho = max(tp.lastEcho, o.seq)
	}
	b.trimQueue(tp)
	return n
}

// resumeDelivery sets the position of a topic and delivers the held batches; tp.mu is held.
func (b *Broker) resumeDelivery(tp *topic, at Position) {
	if at.Epoch != "" {
		tp.position, tp.positioned = at, true
		b.opts.SetPosition(tp.Topic, at)
	} else {
		tp.position, tp.positioned = Position{}, true // the topic never had a message
	}
	tp.syncing = false
	held, overflow := tp.held, tp.heldOverflow
	tp.held, tp.heldBytes, tp.heldOverflow = nil, 0, false
	b.mu.Lock()
	tp.subscribed = true
	if len(tp.queue) > 0 {
		b.makeReady(tp)
	}
	if tp.subscriptions == 0 {
		b.markChanged(tp)
	}
	b.mu.Unlock()
	for i := range held {
		b.handleBatch(tp, &held[i])
	}
	if overflow {
		tp.syncing = true
		b.requestResync(tp)
	}
}
