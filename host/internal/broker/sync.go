package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"github.com/redis/rueidis"
)

// sync finds out where topics stand that were subscribed just now, has the
// members get what a history has of what they missed, counts what none has,
// and lets go of what has come meanwhile.
func (b *Broker) sync(topics []*topic) error {
	cmds := make(rueidis.Commands, 0, 4*len(topics))
	var at []int // where the answers of each topic are
	for _, x := range topics {
		if x.Size > 0 { // a history has a beginning, which members are told
			cmds = append(cmds,
				b.client.B().Hsetnx().Key(metaKey(x.channel)).Field("e").Value(newEpoch()).Build(),
				b.client.B().Pexpire().Key(metaKey(x.channel)).Milliseconds(x.metaTTL().Milliseconds()).Build())
		}
		at = append(at, len(cmds))
		cmds = append(cmds,
			b.client.B().Hmget().Key(metaKey(x.channel)).Field("e", "o").Build(),
			b.client.B().Get().Key(senderKey(x.channel, b.o.Node)).Build())
	}
	ctx, cancel := context.WithTimeout(b.ctx, b.o.Timeout)
	defer cancel()
	results := b.client.DoMulti(ctx, cmds...)
	for i, x := range topics {
		meta, err := results[at[i]].AsStrSlice()
		if err != nil || len(meta) != 2 {
			return fmt.Errorf("where a topic stands: %w", err)
		}
		sent, err := results[at[i]+1].AsUint64()
		if err != nil && !rueidis.IsRedisNil(err) {
			return fmt.Errorf("what was sent: %w", err)
		}
		stands := Position{Epoch: meta[0]}
		stands.Offset, _ = strconv.ParseUint(meta[1], 10, 64)
		if err := b.settle(ctx, x, stands, sent); err != nil {
			return err
		}
	}
	return nil
}

// settle is sync of one topic, which is at a position; sent is the number of
// our last message that Redis took.
func (b *Broker) settle(ctx context.Context, x *topic, at Position, sent uint64) error {
	x.mu.Lock()
	was, known := x.place, x.placed
	x.mu.Unlock()
	if known && was.Epoch == at.Epoch && at.Offset < was.Offset {
		var err error
		if at.Epoch, err = b.renew(ctx, x, was); err != nil {
			return err
		}
	}
	x.mu.Lock()
	if len(x.pending) > 0 && x.pending[0].at.Epoch == at.Epoch {
		at.Offset = min(at.Offset, x.pending[0].at.Offset-1) // from there on it has come
	}
	here := b.takenHere(x, sent)
	x.mu.Unlock()
	var missed []entry
	if known && was.Epoch == at.Epoch && at.Offset > was.Offset {
		lost := at.Offset - was.Offset
		if x.Size > 0 {
			var err error
			if missed, err = b.read(ctx, x.Topic, was.Offset+1, at.Offset); err != nil {
				return err
			}
			lost -= uint64(len(missed))
		} else {
			lost -= min(lost, here)
		}
		if lost > 0 {
			b.stats.missed.Add(lost)
			b.log.Warn("broker: messages missed while there was no link", "topic", x.channel, "messages", lost)
		}
	} else if known && was.Epoch != at.Epoch && was.Offset > 0 {
		b.stats.resets.Add(1)
	}
	x.mu.Lock()
	defer x.mu.Unlock()
	for _, e := range missed {
		b.deliverOne(x, Position{at.Epoch, e.Offset}, e.seq, e.Message)
	}
	b.let(x, at)
	return nil
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

func (b *Broker) renew(ctx context.Context, x *topic, was Position) (epoch string, err error) {
	cmd := b.client.B().Eval().Script(renewScript).Numkeys(2).Key(metaKey(x.channel), streamKey(x.channel)).
		Arg(was.Epoch, strconv.FormatUint(was.Offset, 10), newEpoch()).Build()
	if epoch, err = b.client.Do(ctx, cmd).ToString(); err != nil {
		return "", fmt.Errorf("another epoch: %w", err)
	}
	b.log.Warn("broker: Redis has forgotten the last messages of a topic", "topic", x.channel, "had", was.Offset)
	return epoch, nil
}

// takenHere counts the messages that Redis took, that the members have from
// us, and that do not come any more; mu is held. Where there is no history they are forgotten.
func (b *Broker) takenHere(x *topic, sent uint64) (n uint64) {
	coming := map[uint64]bool{}
	for _, p := range x.pending {
		for i := range p.messages {
			if p.node == b.o.Node {
				coming[p.seq+uint64(i)] = true
			}
		}
	}
	for seq := range x.local {
		if seq <= sent && !coming[seq] {
			n++
			if x.Size == 0 {
				delete(x.local, seq)
			}
		}
	}
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

// entry is a message of a history.
type entry struct {
	Message
	Offset uint64
	seq    uint64
	ms     int64 // when it was sent
}

// errDamaged says that a history has something in it that we did not write.
var errDamaged = errors.New("broker: a damaged entry of a history")

// read reads messages of a history, from and to included. There may be fewer,
// but then the oldest are missing.
func (b *Broker) read(ctx context.Context, t Topic, from, to uint64) ([]entry, error) {
	id := func(n uint64) string { return strconv.FormatUint(n, 10) + "-0" }
	cmd := b.client.B().Xrange().Key(streamKey(b.channelOf(t))).Start(id(from)).End(id(to)).Build()
	values, err := b.client.Do(ctx, cmd).AsXRange()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, fmt.Errorf("history: %w", err)
	}
	var out []entry
	for _, v := range values {
		e, err := parseEntry(v)
		if err != nil {
			return nil, err
		}
		if n := len(out); n > 0 && e.Offset != out[n-1].Offset+1 {
			out = out[:0] // a gap: what is before it is of no use
		}
		out = append(out, e)
	}
	if n := len(out); n > 0 && out[n-1].Offset != to {
		out = out[:0]
	}
	return out, nil
}

func parseEntry(v rueidis.XRangeEntry) (e entry, err error) {
	var tail string
	for i := range v.ID {
		if v.ID[i] == '-' {
			v.ID, tail = v.ID[:i], v.ID[i:]
			break
		}
	}
	e.Offset, err = strconv.ParseUint(v.ID, 10, 64)
	if err != nil || tail != "-0" {
		return e, errDamaged
	}
	if e.ms, err = strconv.ParseInt(v.FieldValues["t"], 10, 64); err != nil {
		return e, errDamaged
	}
	w := wire{p: []byte(v.FieldValues["m"])}
	node := string(w.bytes())
	e.seq = w.uvarint()
	e.Message = w.message(node)
	if w.bad || len(w.p) > 0 {
		return e, errDamaged
	}
	return e, nil
}
