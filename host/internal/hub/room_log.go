package hub

import (
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// roomLog is the history of one room. It assigns the offsets, under its lock,
// so that they follow the order of the room.
type roomLog struct {
	// constant
	h     *history
	epoch string

	// guarded by h.mu
	holds int // rooms with members that use the log

	// guarded by mu
	mu            sync.Mutex
	last          uint64    // offset of the newest message, kept or not
	entries       []Entry   // the newest messages, without gaps, up to last
	used          time.Time // of the last read or write
	deleted       bool      // is in history.logs no more
	positionGiven bool      // a client was given a position and may come back with it
}

// newEpoch returns a random name for a new history.
func newEpoch() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // never fails
	return hex.EncodeToString(b[:])
}

// position returns the position of the newest message, for a client.
func (l *roomLog) position() frame.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.positionGiven = true
	return frame.Position{Epoch: l.epoch, Offset: l.last}
}

// append assigns the next offset to a message and keeps the message. Older
// messages make space for it. If there is not enough space after all, neither
// the message nor older ones are kept, so that no gap arises. append returns 0,
// and does nothing, if the log was deleted. A log that is held is never deleted.
func (l *roomLog) append(f []byte, except uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.deleted {
		return 0
	}
	now := l.h.now()
	l.last++
	l.used = now
	l.expire(now)
	for len(l.entries) >= l.h.opts.Size {
		l.drop(1)
	}
	n := int64(len(f) + entryOverhead)
	for !l.h.reserve(n) { // another room may take the space that is freed here
		l.h.dropped.Add(1)
		if len(l.entries) == 0 {
			return l.last
		}
		l.drop(1)
	}
	l.entries = append(l.entries, Entry{Offset: l.last, Frame: slices.Clone(f), Except: except, at: now})
	return l.last
}

// drop drops the n oldest entries; mu is held.
func (l *roomLog) drop(n int) {
	for _, e := range l.entries[:n] {
		l.h.bytes.Add(-int64(len(e.Frame) + entryOverhead))
	}
	if clear(l.entries[:n]); n == len(l.entries) {
		l.entries = nil
		return
	}
	l.entries = l.entries[n:]
}

// expire drops entries older than the TTL; mu is held.
func (l *roomLog) expire(now time.Time) {
	n := 0
	for n < len(l.entries) && now.Sub(l.entries[n].at) > l.h.opts.TTL {
		n++
	}
	if n > 0 {
		l.drop(n)
	}
}

// since returns all messages after an offset, and the offset of the newest one.
// ok is false if the log does not have all of them.
func (l *roomLog) since(epoch string, offset uint64) (entries []Entry, last uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used, l.positionGiven = l.h.now(), true
	l.expire(l.used)
	first := l.last + 1
	if len(l.entries) > 0 {
		first = l.entries[0].Offset
	}
	// A gap would make a client take a part for the whole. append leaves none.
	hasGap := first+uint64(len(l.entries)) != l.last+1
	if epoch != l.epoch || offset > l.last || offset+1 < first || hasGap {
		return nil, l.last, false
	}
	return slices.Clone(l.entries[offset+1-first:]), l.last, true
}
