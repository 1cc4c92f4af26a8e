package azu

import (
	"encoding/binary"
	"time"
)

// batchBytes is the size at which a batch is sent.
const batchBytes = 32 << 10

// Batch collects items for a room and sends them as one text message with a JSON array. It sends a batch when the batch
// has the maximal number of items, when the items together are larger than 32 KiB, or when the interval has passed
// since the first item.
//
// The host already sends the frames of several messages together. A Batch is for clients that prefer many events in one
// message.
//
// The pending items are in the channel's store, and a timer of the channel sends them, as with [Throttle].
type Batch struct {
	name     string
	max      int
	interval time.Duration
	buf      []byte
}

// NewBatch returns a Batch that sends at most max items, at the latest when interval has passed since the first one.
// Keep it in a global variable, so that every instance has it from its start. The name has no colon and is unique among
// the helpers of the plugin.
func NewBatch(name string, max int, interval time.Duration) *Batch {
	b := &Batch{name: name, max: max, interval: interval}
	registerHelper(name, b)
	return b
}

// items returns the key of the pending items: dueSize bytes with the time at which the batch is due, in milliseconds
// since 1970, and the array without its last bracket.
func (b *Batch) items(room Room) Key { return Key("azu:batch:" + b.name + ":" + string(room)) }

// count returns the key of the number of pending items.
func (b *Batch) count(room Room) Key { return Key("azu:count:" + b.name + ":" + string(room)) }

func (b *Batch) timer(room Room) string { return timerPrefix + b.name + ":" + string(room) }

const dueSize = 8

// Add adds an item to the batch of a room. The item is a JSON value, which is not checked. The names of the room and of
// the Batch together must be about 20 bytes shorter than the limit of a name.
func (b *Batch) Add(room Room, item []byte) error {
	now := Now()
	n, err := b.count(room).Add(1, b.interval+slack)
	if err != nil {
		return err
	}
	pending := b.buf[:0]
	if n > 1 {
		if pending, err = b.items(room).Append(pending); err != nil && err != ErrNotFound {
			return err
		}
	}
	if len(pending) <= dueSize {
		pending = binary.LittleEndian.AppendUint64(pending[:0], uint64(now.Add(b.interval).UnixMilli()))
		pending = append(pending, '[')
	} else {
		pending = append(pending, ',')
	}
	pending = append(pending, item...)
	b.buf = pending
	due := time.UnixMilli(int64(binary.LittleEndian.Uint64(pending)))
	if n >= int64(b.max) || len(pending) >= batchBytes || now.After(due) {
		return b.send(room, pending)
	}
	if err := b.items(room).Set(str(pending), b.interval+slack); err != nil || n > 1 {
		return err
	}
	return SetTimer(b.timer(room), b.interval)
}

// send sends the pending items and deletes them from the store.
func (b *Batch) send(room Room, pending []byte) error {
	b.buf = append(pending, ']')
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

func (b *Batch) onTimer(room Room) error {
	pending, err := b.items(room).Append(b.buf[:0])
	if err == ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	return b.send(room, pending)
}
