package azu

import (
	"encoding/binary"
	"time"
)

// Throttle broadcasts to a room at most once per interval. It sends the first message at once. Of the messages within
// the interval it sends the last one at the end, and drops the others. It is for states that replace each other, such
// as the position of a pointer.
//
// The pending message is in the channel's store, and a timer of the channel sends it. So a hook that fails does not
// change it, and every instance and the next version of the plugin find it. With "instances: pool" two hooks at the
// same moment may both send.
type Throttle struct {
	name     string
	interval time.Duration
	buf      []byte
}

// NewThrottle returns a Throttle. Keep it in a global variable, so that every instance has it from its start. The name
// has no colon and is unique among the helpers of the plugin.
func NewThrottle(name string, interval time.Duration) *Throttle {
	t := &Throttle{name: name, interval: interval}
	registerHelper(name, t)
	return t
}

// slack is added to the time to live of a value in the store that waits for a timer, which may fire late.
const slack = time.Minute

// windowSize is the size of the end of the interval in the store, in milliseconds since 1970. A pending message
// follows: one byte for its kind, and the data.
const windowSize = 8

// key returns the key of the interval and of the pending message.
func (t *Throttle) key(room Room) Key { return Key("azu:throttle:" + t.name + ":" + string(room)) }

// Broadcast sends m to the room, now or at the end of the interval. A later message in the same interval replaces m.
// The names of the room and of the Throttle together must be about 20 bytes shorter than the limit of a name.
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
	pending := len(b) > windowSize
	b = append(append(b[:windowSize], byte(m.Kind)), m.Data...)
	t.buf = b
	if err := key.Set(str(b), rest+slack); err != nil || pending {
		return err
	}
	return SetTimer(timerPrefix+t.name+":"+string(room), rest)
}

// send sends m and starts an interval.
func (t *Throttle) send(key Key, room Room, m Message) error {
	if err := room.Broadcast(m); err != nil {
		return err
	}
	var window [windowSize]byte
	binary.LittleEndian.PutUint64(window[:], uint64(Now().Add(t.interval).UnixMilli()))
	return key.Set(str(window[:]), t.interval)
}

func (t *Throttle) onTimer(room Room) error {
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
