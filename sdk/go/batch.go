package azu

import (
	"encoding/binary"
	"time"
)

// batchBytes is how large a batch may become before it goes out.
const batchBytes = 32 << 10

// Batch gathers what is broadcast to a room and sends it as one text message, a
// JSON array: when there are so many items, when they are larger than 32 KiB
// together, or when so much time has passed since the first.
//
// The host batches the frames of messages anyway. A Batch is for clients that
// would rather handle many events in one message.
//
// What waits is kept in the channel's store and flushed by a timer of the
// channel, as with [Throttle].
type Batch struct {
	name     string
	max      int
	interval time.Duration
	buf      []byte
}

// NewBatch makes a Batch that sends max items at most, interval after the
// first at the latest. Keep it in a global variable of the package, so that
// every instance has it from its start. The name, without a colon, is its own
// among the helpers of the plugin.
func NewBatch(name string, max int, interval time.Duration) *Batch {
	b := &Batch{name: name, max: max, interval: interval}
	enlist(name, b)
	return b
}

// items has what waits: dueSize bytes for the time in milliseconds at which it
// has to go out, and the array without its last bracket.
func (b *Batch) items(room Room) Key { return Key("azu:batch:" + b.name + ":" + string(room)) }

// count has the number of items that wait.
func (b *Batch) count(room Room) Key { return Key("azu:count:" + b.name + ":" + string(room)) }

func (b *Batch) timer(room Room) string { return timerPrefix + b.name + ":" + string(room) }

const dueSize = 8

// Add adds an item, a JSON value; nothing checks that it is one. The names of
// the room and of the Batch have to be some 20 bytes shorter than a name may
// be.
func (b *Batch) Add(room Room, item []byte) error {
	now := Now()
	n, err := b.count(room).Add(1, b.interval+slack)
	if err != nil {
		return err
	}
	waiting := b.buf[:0]
	if n > 1 {
		if waiting, err = b.items(room).Append(waiting); err != nil && err != ErrNotFound {
			return err
		}
	}
	if len(waiting) <= dueSize {
		waiting = binary.LittleEndian.AppendUint64(waiting[:0], uint64(now.Add(b.interval).UnixMilli()))
		waiting = append(waiting, '[')
	} else {
		waiting = append(waiting, ',')
	}
	waiting = append(waiting, item...)
	b.buf = waiting
	due := time.UnixMilli(int64(binary.LittleEndian.Uint64(waiting)))
	if n >= int64(b.max) || len(waiting) >= batchBytes || now.After(due) {
		return b.send(room, waiting)
	}
	if err := b.items(room).Set(str(waiting), b.interval+slack); err != nil || n > 1 {
		return err
	}
	return SetTimer(b.timer(room), b.interval)
}

// send sends what waited, and forgets that it did.
func (b *Batch) send(room Room, waiting []byte) error {
	b.buf = append(waiting, ']')
	if err := room.Broadcast(Text(b.buf[dueSize:])); err != nil {
		return err
	}
	for _, err := range [...]error{b.count(room).Delete(), b.items(room).Delete(), ClearTimer(b.timer(room))} {
		if err != nil && err != ErrNotFound {
			return err
		}
	}
	return nil
}

func (b *Batch) fire(room Room) error {
	waiting, err := b.items(room).Append(b.buf[:0])
	if err == ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return b.send(room, waiting)
}
