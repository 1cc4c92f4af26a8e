package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"
)

// ErrUnavailable means that Redis does not answer now.
var ErrUnavailable = errors.New("broker: no link to Redis")

// Entry is a message in the history of a topic.
type Entry struct {
	Offset uint64
	Message
}

// Since returns the messages of a topic after an offset, and the position of the topic. ok is false
// if the history does not have all of them, or the topic has another epoch.
func (b *Broker) Since(ctx context.Context, t Topic, epoch string, offset uint64) (
	entries []Entry, at Position, ok bool, err error,
) {
	if !b.up.Load() {
		return nil, at, false, ErrUnavailable
	}
	channel := b.channelOf(t)
	if at, err = b.queryPosition(ctx, channel); err != nil {
		return nil, at, false, errors.Join(ErrUnavailable, err)
	}
	switch {
	case epoch != at.Epoch || offset > at.Offset:
		return nil, at, false, nil
	case offset == at.Offset:
		return nil, at, true, nil
	case at.Offset-offset > uint64(t.Size):
		return nil, at, false, nil
	}
	r := newHistoryRead(channel, offset+1, at.Offset)
	for !r.done {
		if err := b.readParts(ctx, []*historyRead{r}); err != nil {
			return nil, at, false, errors.Join(ErrUnavailable, err)
		}
	}
	if uint64(len(r.entries)) != at.Offset-offset || time.Since(time.UnixMilli(r.entries[0].millis)) > t.TTL {
		return nil, at, false, nil
	}
	for _, e := range r.entries {
		entries = append(entries, Entry{e.Offset, e.Message})
	}
	return entries, at, true, nil
}

// queryPosition asks Redis for the position of the topic of a channel.
func (b *Broker) queryPosition(ctx context.Context, channel string) (at Position, err error) {
	ctx, cancel := context.WithTimeout(ctx, b.opts.Timeout)
	defer cancel()
	values, err := b.client.Do(ctx, b.client.B().Hmget().Key(metaKey(channel)).Field("e", "o").Build()).AsStrSlice()
	if err == nil && len(values) != 2 {
		err = errUnexpected
	}
	if err != nil {
		return at, fmt.Errorf("position of a topic: %w", err)
	}
	return newPosition(values), nil
}

// newPosition returns the position of an epoch and an offset. The offset is empty if the topic never
// had a message.
func newPosition(values []string) (at Position) {
	at.Epoch = values[0]
	at.Offset, _ = strconv.ParseUint(values[1], 10, 64)
	return at
}
