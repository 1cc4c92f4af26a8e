package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/rueidis"
)

// ErrUnavailable says that Redis can not be asked now.
var ErrUnavailable = errors.New("broker: no link to Redis")

// Entry is a message of a topic's history.
type Entry struct {
	Offset uint64
	Message
}

// Since gives the messages of a topic after an offset, and where it stands. ok
// is false when the history does not have all of them, or the epoch is another.
func (b *Broker) Since(ctx context.Context, t Topic, epoch string, offset uint64) (entries []Entry, at Position, ok bool, err error) {
	if !b.up.Load() {
		return nil, at, false, ErrUnavailable
	}
	ctx, cancel := context.WithTimeout(ctx, b.o.Timeout)
	defer cancel()
	if at, err = parsePlace(b.client.Do(ctx, b.placeOf(b.channelOf(t)))); err != nil {
		return nil, at, false, errors.Join(ErrUnavailable, err)
	}
	if epoch != at.Epoch || offset > at.Offset {
		return nil, at, false, nil
	}
	if offset == at.Offset {
		return nil, at, true, nil
	}
	if at.Offset-offset > uint64(t.Size) {
		return nil, at, false, nil
	}
	found, err := parseRange(b.client.Do(ctx, b.rangeOf(t, offset+1, at.Offset)), at.Offset)
	if err != nil {
		return nil, at, false, errors.Join(ErrUnavailable, err)
	}
	if uint64(len(found)) != at.Offset-offset || time.Since(time.UnixMilli(found[0].ms)) > t.TTL {
		return nil, at, false, nil
	}
	for _, e := range found {
		entries = append(entries, Entry{e.Offset, e.Message})
	}
	return entries, at, true, nil
}

// placeOf asks where the topic of a channel stands.
func (b *Broker) placeOf(channel string) rueidis.Completed {
	return b.client.B().Hmget().Key(metaKey(channel)).Field("e", "o").Build()
}

// parsePlace reads the answer. Without an offset nothing was ever sent.
func parsePlace(r rueidis.RedisResult) (at Position, err error) {
	meta, err := r.AsStrSlice()
	if err == nil && len(meta) != 2 {
		err = errors.New("an answer of another form")
	}
	if err != nil {
		return at, fmt.Errorf("where a topic stands: %w", err)
	}
	at.Epoch = meta[0]
	at.Offset, _ = strconv.ParseUint(meta[1], 10, 64)
	return at, nil
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

// rangeOf asks for messages of a history, from and to included.
func (b *Broker) rangeOf(t Topic, from, to uint64) rueidis.Completed {
	id := func(n uint64) string { return strconv.FormatUint(n, 10) + "-0" }
	return b.client.B().Xrange().Key(streamKey(b.channelOf(t))).Start(id(from)).End(id(to)).Build()
}

// parseRange reads the messages of a history up to an offset. There may be fewer
// than were asked for, but then the oldest are missing.
func parseRange(r rueidis.RedisResult, to uint64) (out []entry, err error) {
	values, err := r.AsXRange()
	if err != nil && !rueidis.IsRedisNil(err) {
		return nil, fmt.Errorf("history: %w", err)
	}
	for _, v := range values {
		e, err := parseEntry(v)
		if n := len(out); err != nil || n > 0 && e.Offset != out[n-1].Offset+1 {
			out = out[:0] // what is before a gap is of no use
		}
		if err == nil {
			out = append(out, e)
		}
	}
	if n := len(out); n > 0 && out[n-1].Offset != to {
		out = out[:0]
	}
	return out, nil
}

func parseEntry(v rueidis.XRangeEntry) (e entry, err error) {
	offset, tail, _ := strings.Cut(v.ID, "-")
	e.Offset, err = strconv.ParseUint(offset, 10, 64)
	if err != nil || tail != "0" {
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
