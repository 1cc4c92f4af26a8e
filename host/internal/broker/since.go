package broker

import (
	"context"
	"errors"
	"fmt"
	"strconv"
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
	parent := ctx // each round trip has its own time
	ctx, cancel := context.WithTimeout(parent, b.opts.Timeout)
	defer cancel()
	if at, err = parsePosition(b.client.Do(ctx, b.positionCommand(b.channelOf(t)))); err != nil {
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
	r := newHistoryRead(b.channelOf(t), offset+1, at.Offset)
	for !r.done {
		if err := b.readParts(parent, []*historyRead{r}); err != nil {
			return nil, at, false, errors.Join(ErrUnavailable, err)
		}
	}
	found := r.entries
	if uint64(len(found)) != at.Offset-offset || time.Since(time.UnixMilli(found[0].millis)) > t.TTL {
		return nil, at, false, nil
	}
	for _, e := range found {
		entries = append(entries, Entry{e.Offset, e.Message})
	}
	return entries, at, true, nil
}

// placeOf asks where the topic of a channel stands.
func (b *Broker) positionCommand(channel string) rueidis.Completed {
	return b.client.B().Hmget().Key(metaKey(channel)).Field("e", "o").Build()
}

// parsePlace reads the answer. Without an offset nothing was ever sent.
func parsePosition(r rueidis.RedisResult) (at Position, err error) {
	meta, err := r.AsStrSlice()
	if err == nil && len(meta) != 2 {
		err = errors.New("an answer of another form")
	}
	if err != nil {
		return at, fmt.Errorf("where a topic stands: %w", err)
	}
	return newPosition(meta), nil
}

// placeFrom makes a position of epoch and offset.
func newPosition(told []string) (at Position) {
	at.Epoch = told[0]
	at.Offset, _ = strconv.ParseUint(told[1], 10, 64)
	return at
}
