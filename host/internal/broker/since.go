package broker

import (
	"context"
	"errors"
	"strconv"
	"time"
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
	key := metaKey(b.channelOf(t))
	meta, err := b.client.Do(ctx, b.client.B().Hmget().Key(key).Field("e", "o").Build()).AsStrSlice()
	if err != nil {
		return nil, at, false, errors.Join(ErrUnavailable, err)
	}
	at.Epoch = meta[0]
	at.Offset, _ = strconv.ParseUint(meta[1], 10, 64)
	if epoch != at.Epoch || offset > at.Offset {
		return nil, at, false, nil
	}
	if offset == at.Offset {
		return nil, at, true, nil
	}
	found, err := b.read(ctx, t, offset+1, at.Offset)
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
