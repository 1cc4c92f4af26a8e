package azu

import (
	"encoding/binary"
	"time"
)

// Throttle broadcasts to a room at most once per interval. The first message
// goes out at once; of those that come within the interval the latest goes out
// at its end, the others are dropped. It is for states that replace each
// other, such as the position of a pointer.
//
// What waits is kept in the channel's store and flushed by a timer of the
// channel, so that it is undone with a hook that fails, and found by every
// instance and by the next version of the plugin. With "instances: pool" two
// hooks at the same moment may both send.
type Throttle struct {
	name     string
	interval time.Duration
	buf      []byte
}

// NewThrottle makes a Throttle. Keep it in a global variable of the package,
// so that every instance has it from its start. The name, without a colon, is
// its own among the helpers of the plugin.
func NewThrottle(name string, interval time.Duration) *Throttle {
	t := &Throttle{name: name, interval: interval}
	enlist(name, t)
	return t
}

// slack is how long something that waits for a timer is kept after it.
const slack = time.Minute

// windowSize is the size of the end of a window, milliseconds since 1970. A
// message that waits follows: a byte for its kind, and the data.
const windowSize = 8

func (t *Throttle) key(room Room) Key { return Key("azu:throttle:" + t.name + ":" + string(room)) }

// Broadcast sends m to the room, now or at the end of the interval, or drops
// it for a later one. The names of the room and of the Throttle have to be
// some 20 bytes shorter than a name may be.
func (t *Throttle) Broadcast(room Room, m Message) error {
	key := t.key(room)
	b, err := key.Append(t.buf[:0])
	if err == ErrNotFound {
		return t.send(key, room, m)
	}
	if err != nil {
		return err
	}
	t.buf = b
	rest := time.UnixMilli(int64(binary.LittleEndian.Uint64(b))).Sub(Now())
	if rest <= 0 {
		return t.send(key, room, m)
	}
	waits := len(b) > windowSize
	b = append(append(b[:windowSize], byte(m.Kind)), m.Data...)
	t.buf = b
	if err := key.Set(str(b), rest+slack); err != nil || waits {
		return err
	}
	return SetTimer(timerPrefix+t.name+":"+string(room), rest)
}

// send sends m and begins an interval.
func (t *Throttle) send(key Key, room Room, m Message) error {
	if err := room.Broadcast(m); err != nil {
		return err
	}
	var window [windowSize]byte
	binary.LittleEndian.PutUint64(window[:], uint64(Now().Add(t.interval).UnixMilli()))
	return key.Set(str(window[:]), t.interval)
}

func (t *Throttle) fire(room Room) error {
	key := t.key(room)
	b, err := key.Append(t.buf[:0])
	if err == ErrNotFound || err == nil && len(b) == windowSize {
		return nil
	}
	if err != nil {
		return err
	}
	t.buf = b
	return t.send(key, room, Message{Kind(b[windowSize]), b[windowSize+1:]})
}
