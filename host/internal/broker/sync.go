package broker

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/redis/rueidis"
)

// sync finds out where topics stand that were subscribed just now, has the
// members get what a history has of what they missed, counts what none has,
// and lets go of what has come meanwhile.
func (b *Broker) resync(topics []*topic) error {
	all, err := b.queryPositions(topics)
	if err != nil {
		return err
	}
	lost, of := uint64(0), 0
	defer func() {
		if of > 0 {
			b.log.Warn("broker: messages were missed", "messages", lost, "topics", of)
		}
	}()
	settle := func(s *topicSync) {
		if n := b.finishResync(s); n > 0 {
			lost, of = lost+n, of+1
		}
	}
	var open []*topicSync
	for _, s := range all {
		if s.topic.Size > 0 && s.missing() > 0 {
			s.read = newHistoryRead(s.topic.channel, s.local.Offset+1, s.remote.Offset)
			open = append(open, s)
		} else {
			settle(s)
		}
	}
	for len(open) > 0 {
		if err := b.readNextParts(open); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(s *topicSync) bool {
			if s.read.done {
				s.entries = s.read.entries
				settle(s)
			}
			return s.read.done
		})
	}
	return nil
}

// standing is a topic whose members are to be told where it stands.
type topicSync struct {
	topic       *topic
	remote      Position       // where Redis says that it is
	acceptedSeq uint64         // number of our last message that Redis took
	local       Position       // where the members are
	hasLocal    bool           // was is
	entries     []historyEntry // what came between, as far as a history has it

	read *historyRead // nil: nothing is to be read
}

// behind is how many messages the members do not have.
func (s *topicSync) missing() uint64 {
	if !s.hasLocal || s.local.Epoch != s.remote.Epoch || s.remote.Offset <= s.local.Offset {
		return 0
	}
	return s.remote.Offset - s.local.Offset
}

// ask asks Redis where topics stand, in one round trip. A history has a beginning, which
// members are told.
func (b *Broker) queryPositions(topics []*topic) (all []*topicSync, err error) {
	execs := make([]rueidis.LuaExec, len(topics))
	for i, x := range topics {
		epoch := ""
		if x.Size > 0 {
			epoch = randomID()
		}
		execs[i].Keys = []string{metaKey(x.channel), streamKey(x.channel), senderKey(x.channel, b.opts.Node)}
		execs[i].Args = []string{epoch, millis(x.metaTTL())}
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	for i, r := range b.evalScripts(ctx, positionScript, execs) {
		s := &topicSync{topic: topics[i]}
		told, err := r.AsStrSlice()
		if err == nil && len(told) != 3 {
			err = errors.New("an answer of another form")
		}
		if err != nil {
			return nil, fmt.Errorf("where a topic stands: %w", err)
		}
		s.remote, s.acceptedSeq = newPosition(told), b.parseSender(told[2])
		if err := b.comparePosition(s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// parseSent reads what the script keeps of a sender. 0: it is not of this process.
func (b *Broker) parseSender(text string) (seq uint64) {
	if life, n, _ := strings.Cut(text, " "); life == b.incarnation {
		seq, _ = strconv.ParseUint(n, 10, 64)
	}
	return seq
}

// compare finds out where the members are, and begins another epoch where Redis is
// behind them.
func (b *Broker) comparePosition(s *topicSync) (err error) {
	x := s.topic
	x.mu.Lock()
	s.local, s.hasLocal = x.position, x.positioned
	x.mu.Unlock()
	if s.hasLocal && s.local.Epoch == s.remote.Epoch && s.remote.Offset < s.local.Offset {
		if s.remote.Epoch, err = b.renewEpoch(x, s.local); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s.limitToHeld(x)
	return nil
}

// stop has a topic stand before what has come since it was subscribed; x.mu is held.
func (s *topicSync) limitToHeld(x *topic) {
	if len(x.held) > 0 && x.held[0].first.Epoch == s.remote.Epoch {
		s.remote.Offset = min(s.remote.Offset, x.held[0].first.Offset-1)
	}
}

// readAtOnce is of how many topics the histories are read in one round trip, at most: one by
// one many topics would take so long over a slow link that it never comes up.
const maxReadTopics = 32

// readMissed reads a part of what the first topics with a history have of what their members
// missed.
func (b *Broker) readNextParts(open []*topicSync) error {
	n := min(len(open), maxReadTopics, max(b.readLimit.bytes()/minRoundBytes, 1))
	parts := make([]*historyRead, n)
	for i, s := range open[:n] {
		parts[i] = s.read
	}
	return b.readParts(b.ctx, parts)
}

// settle has the members get what was read, and lets go of the topic. It says how many messages
// are lost.
func (b *Broker) finishResync(s *topicSync) (lost uint64) {
	x := s.topic
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(s.entries) == 0 {
		s.limitToHeld(x) // some of it may have come by now
	}
	coming := b.expectedOwn(s)
	lost = s.missing() - uint64(len(s.entries))
	lost -= min(lost, dropDelivered(x, s.acceptedSeq, coming)+b.deliverSkipped(s, coming))
	b.stats.missed.Add(lost)
	if s.hasLocal && s.local.Epoch != s.remote.Epoch && s.local.Offset > 0 {
		b.stats.resets.Add(1)
	}
	for _, e := range s.entries {
		b.deliverOnce(x, Position{s.remote.Epoch, e.Offset}, e.seq, e.Message)
	}
	b.resumeDelivery(x, s.remote)
	return lost
}

// renewScript begins another epoch where a topic stands before a position that it has
// had: Redis came back without what it had acknowledged last, and would give the same offsets to other messages.
//
//	KEYS  meta, stream
//	ARGV  epoch, offset, new epoch
//	gives the epoch
const renewScript = `
local meta = redis.call('HMGET', KEYS[1], 'e', 'o')
if meta[1] == ARGV[1] and tonumber(meta[2] or '0') < tonumber(ARGV[2]) then
  redis.call('HSET', KEYS[1], 'e', ARGV[3])
  redis.call('DEL', KEYS[2])
  return ARGV[3]
end
return meta[1] or ''
`

func (b *Broker) renewEpoch(x *topic, was Position) (epoch string, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.opts.Timeout)
	defer cancel()
	cmd := b.client.B().Eval().Script(renewScript).Numkeys(2).Key(metaKey(x.channel), streamKey(x.channel)).
		Arg(was.Epoch, strconv.FormatUint(was.Offset, 10), randomID()).Build()
	if epoch, err = b.client.Do(ctx, cmd).ToString(); err != nil {
		return "", fmt.Errorf("another epoch: %w", err)
	}
	b.log.Warn("broker: Redis has forgotten the last messages of a topic", "topic", x.channel, "had", was.Offset)
	return epoch, nil
}

// coming are the numbers of own messages that were read, or came since the topic was subscribed, and
// are to be delivered; mu is held.
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

// takenHere counts the messages that Redis took, that the members have from
// us, and that do not come any more, and forgets them; mu is held.
func dropDelivered(x *topic, sent uint64, coming map[uint64]bool) (n uint64) {
	for seq := range x.deliveredLocally {
		if seq <= sent && !coming[seq] {
			n++
			delete(x.deliveredLocally, seq)
		}
	}
	return n
}

// passedBy ends the wait for messages that Redis took while the topic was not subscribed: they
// do not come any more. Members who were there get them here, and it says how many those are; who has come
// since is not to get what was sent before. mu is held.
func (b *Broker) deliverSkipped(s *topicSync, coming map[uint64]bool) (n uint64) {
	x := s.topic
	for i := range x.queue {
		o := &x.queue[i]
		if o.seq > s.acceptedSeq || coming[o.seq] {
			break
		}
		if s.hasLocal && !o.delivered && o.seq > x.lastEcho {
			b.deliverLocally(x, o)
			n++
		}
		x.lastEcho = max(x.lastEcho, o.seq)
	}
	b.trimQueue(x)
	return n
}

// let says where a topic stands and handles what has come meanwhile; x.mu is held.
func (b *Broker) resumeDelivery(x *topic, at Position) {
	if at.Epoch != "" {
		x.position, x.positioned = at, true
		b.opts.SetPosition(x.Topic, at)
	} else {
		x.position, x.positioned = Position{}, true // nothing was ever sent
	}
	x.syncing = false
	pending, cut := x.held, x.heldOverflow
	x.held, x.heldBytes, x.heldOverflow = nil, 0, false
	b.mu.Lock()
	x.subscribed = true
	if len(x.queue) > 0 {
		b.makeReady(x)
	}
	if x.subscriptions == 0 {
		b.markChanged(x)
	}
	b.mu.Unlock()
	for i := range pending {
		b.handleBatch(x, &pending[i])
	}
	if cut {
		x.syncing = true
		b.requestResync(x)
	}
}
