package azu

import "time"

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

func (b *Batch) key(room Room) Key { return Key("azu:batch:" + b.name + ":" + string(room)) }

func (b *Batch) timer(room Room) string { return timerPrefix + b.name + ":" + string(room) }

// What waits begins with the number of items in three bytes, then come the
// items, separated by commas.
const countSize = 3

// Add adds an item, a JSON value; nothing checks that it is one. The names of
// the room and of the Batch have to be some 20 bytes shorter than a name may
// be.
func (b *Batch) Add(room Room, item []byte) error {
	key := b.key(room)
	waiting, err := key.Append(b.buf[:0])
	if err == ErrNotFound {
		waiting, err = append(b.buf[:0], 0, 0, 0), nil
	}
	if err != nil {
		return err
	}
	n := int(waiting[0]) | int(waiting[1])<<8 | int(waiting[2])<<16
	if n == 0 && b.max > 1 {
		if err := SetTimer(b.timer(room), b.interval); err != nil {
			return err
		}
	}
	if n > 0 {
		waiting = append(waiting, ',')
	}
	waiting = append(waiting, item...)
	n++
	waiting[0], waiting[1], waiting[2] = byte(n), byte(n>>8), byte(n>>16)
	b.buf = waiting
	if n < b.max && len(waiting) < batchBytes {
		return key.Set(str(waiting), b.interval+slack)
	}
	if n > 1 {
		if err := key.Delete(); err != nil {
			return err
		}
	}
	if b.max > 1 {
		if err := ClearTimer(b.timer(room)); err != nil && err != ErrNotFound {
			return err
		}
	}
	return b.send(room, waiting)
}

// send sends what waited as an array: the last byte of the count becomes the
// bracket.
func (b *Batch) send(room Room, waiting []byte) error {
	waiting[countSize-1] = '['
	waiting = append(waiting, ']')
	b.buf = waiting
	return room.Broadcast(Text(waiting[countSize-1:]))
}

func (b *Batch) fire(room Room) error {
	key := b.key(room)
	waiting, err := key.Append(b.buf[:0])
	if err == ErrNotFound {
		return nil
	}
	if err != nil {
		return err
	}
	if err := key.Delete(); err != nil {
		return err
	}
	return b.send(room, waiting)
}
