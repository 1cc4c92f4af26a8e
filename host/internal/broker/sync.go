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
func (b *Broker) sync(topics []*topic) error {
	all, err := b.ask(topics)
	if err != nil {
		return err
	}
	lost, of := uint64(0), 0
	defer func() {
		if of > 0 {
			b.log.Warn("broker: messages were missed", "messages", lost, "topics", of)
		}
	}()
	settle := func(s *standing) {
		if n := b.settle(s); n > 0 {
			lost, of = lost+n, of+1
		}
	}
	var open []*standing
	for _, s := range all {
		if s.x.Size > 0 && s.behind() > 0 {
			s.reading = newReading(s.x.channel, s.was.Offset+1, s.at.Offset)
			open = append(open, s)
		} else {
			settle(s)
		}
	}
	for len(open) > 0 {
		if err := b.readMissed(open); err != nil {
			return err
		}
		open = slices.DeleteFunc(open, func(s *standing) bool {
			if s.reading.done {
				s.read = s.reading.found
				settle(s)
			}
			return s.reading.done
		})
	}
	return nil
}

// standing is a topic whose members are to be told where it stands.
type standing struct {
	x     *topic
	at    Position // where Redis says that it is
	sent  uint64   // number of our last message that Redis took
	was   Position // where the members are
	known bool     // was is
	read  []entry  // what came between, as far as a history has it

	reading *reading // nil: nothing is to be read
}

// behind is how many messages the members do not have.
func (s *standing) behind() uint64 {
	if !s.known || s.was.Epoch != s.at.Epoch || s.at.Offset <= s.was.Offset {
		return 0
	}
	return s.at.Offset - s.was.Offset
}

// ask asks Redis where topics stand, in one round trip. A history has a beginning, which
// members are told.
func (b *Broker) ask(topics []*topic) (all []*standing, err error) {
	execs := make([]rueidis.LuaExec, len(topics))
	for i, x := range topics {
		epoch := ""
		if x.Size > 0 {
			epoch = newEpoch()
		}
		execs[i].Keys = []string{metaKey(x.channel), streamKey(x.channel), senderKey(x.channel, b.o.Node)}
		execs[i].Args = []string{epoch, ms(x.metaTTL())}
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Timeout)
	defer cancel()
	for i, r := range b.eval(ctx, placeScript, execs) {
		s := &standing{x: topics[i]}
		told, err := r.AsStrSlice()
		if err == nil && len(told) != 3 {
			err = errors.New("an answer of another form")
		}
		if err != nil {
			return nil, fmt.Errorf("where a topic stands: %w", err)
		}
		s.at, s.sent = placeFrom(told), b.parseSent(told[2])
		if err := b.compare(s); err != nil {
			return nil, err
		}
		all = append(all, s)
	}
	return all, nil
}

// parseSent reads what the script keeps of a sender. 0: it is not of this process.
func (b *Broker) parseSent(text string) (seq uint64) {
	if life, n, _ := strings.Cut(text, " "); life == b.life {
		seq, _ = strconv.ParseUint(n, 10, 64)
	}
	return seq
}

// compare finds out where the members are, and begins another epoch where Redis is
// behind them.
func (b *Broker) compare(s *standing) (err error) {
	x := s.x
	x.mu.Lock()
	s.was, s.known = x.place, x.placed
	x.mu.Unlock()
	if s.known && s.was.Epoch == s.at.Epoch && s.at.Offset < s.was.Offset {
		if s.at.Epoch, err = b.renew(x, s.was); err != nil {
			return err
		}
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	s.stop(x)
	return nil
}

// stop has a topic stand before what has come since it was subscribed; x.mu is held.
func (s *standing) stop(x *topic) {
	if len(x.pending) > 0 && x.pending[0].at.Epoch == s.at.Epoch {
		s.at.Offset = min(s.at.Offset, x.pending[0].at.Offset-1)
	}
}

// readAtOnce is of how many topics the histories are read in one round trip, at most: one by
// one many topics would take so long over a slow link that it never comes up.
const readAtOnce = 32

// readMissed reads a part of what the first topics with a history have of what their members
// missed.
func (b *Broker) readMissed(open []*standing) error {
	n := min(len(open), readAtOnce, max(b.reads.bytes()/leastRound, 1))
	parts := make([]*reading, n)
	for i, s := range open[:n] {
		parts[i] = s.reading
	}
	return b.readParts(b.ctx, parts)
}

// settle has the members get what was read, and lets go of the topic. It says how many messages
// are lost.
func (b *Broker) settle(s *standing) (lost uint64) {
	x := s.x
	x.mu.Lock()
	defer x.mu.Unlock()
	if len(s.read) == 0 {
		s.stop(x) // some of it may have come by now
	}
	coming := b.coming(s)
	lost = s.behind() - uint64(len(s.read))
	lost -= min(lost, takenHere(x, s.sent, coming)+b.passedBy(s, coming))
	b.stats.missed.Add(lost)
	if s.known && s.was.Epoch != s.at.Epoch && s.was.Offset > 0 {
		b.stats.resets.Add(1)
	}
	for _, e := range s.read {
		b.deliverOne(x, Position{s.at.Epoch, e.Offset}, e.seq, e.Message)
	}
	b.let(x, s.at)
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

func (b *Broker) renew(x *topic, was Position) (epoch string, err error) {
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Timeout)
	defer cancel()
	cmd := b.client.B().Eval().Script(renewScript).Numkeys(2).Key(metaKey(x.channel), streamKey(x.channel)).
		Arg(was.Epoch, strconv.FormatUint(was.Offset, 10), newEpoch()).Build()
	if epoch, err = b.client.Do(ctx, cmd).ToString(); err != nil {
		return "", fmt.Errorf("another epoch: %w", err)
	}
	b.log.Warn("broker: Redis has forgotten the last messages of a topic", "topic", x.channel, "had", was.Offset)
	return epoch, nil
}

// coming are the numbers of own messages that were read, or came since the topic was subscribed, and
// are to be delivered; mu is held.
func (b *Broker) coming(s *standing) map[uint64]bool {
	all := map[uint64]bool{}
	for _, e := range s.read {
		if b.ours(s.x, e.Node, e.seq) {
			all[e.seq] = true
		}
	}
	for _, p := range s.x.pending {
		if b.ours(s.x, p.node, p.seq) {
			for i := range p.messages {
				all[p.seq+uint64(i)] = true
			}
		}
	}
	return all
}

// takenHere counts the messages that Redis took, that the members have from
// us, and that do not come any more, and forgets them; mu is held.
func takenHere(x *topic, sent uint64, coming map[uint64]bool) (n uint64) {
	for seq := range x.local {
		if seq <= sent && !coming[seq] {
			n++
			delete(x.local, seq)
		}
	}
	return n
}

// passedBy ends the wait for messages that Redis took while the topic was not subscribed: they
// do not come any more. Members who were there get them here, and it says how many those are; who has come
// since is not to get what was sent before. mu is held.
func (b *Broker) passedBy(s *standing, coming map[uint64]bool) (n uint64) {
	x := s.x
	for i := range x.out {
		o := &x.out[i]
		if o.seq > s.sent || coming[o.seq] {
			break
		}
		if s.known && !o.local && o.seq > x.heard {
			b.deliverHere(x, o)
			n++
		}
		x.heard = max(x.heard, o.seq)
	}
	b.trim(x)
	return n
}

// let says where a topic stands and handles what has come meanwhile; x.mu is held.
func (b *Broker) let(x *topic, at Position) {
	if at.Epoch != "" {
		x.place, x.placed = at, true
		b.o.Place(x.Topic, at)
	} else {
		x.place, x.placed = Position{}, true // nothing was ever sent
	}
	x.holding = false
	pending, cut := x.pending, x.cut
	x.pending, x.size, x.cut = nil, 0, false
	b.mu.Lock()
	x.subscribed = true
	if len(x.out) > 0 {
		b.makeReady(x)
	}
	if x.wanted == 0 {
		b.note(x)
	}
	b.mu.Unlock()
	for i := range pending {
		b.take(x, &pending[i])
	}
	if cut {
		x.holding = true
		b.lookAgain(x)
	}
}
