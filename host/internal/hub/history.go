package hub

import (
	"cmp"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// HistoryOptions bound the history of rooms.
type HistoryOptions struct {
	// Size is the number of messages kept for each room. 0: no history.
	Size int
	// TTL is how long a message is kept. 0: 5 min.
	TTL time.Duration
	// MaxBytes bounds the histories of all rooms together. Frames count, and
	// entryOverhead for each frame and for each room. 0: 64 MiB.
	MaxBytes int
}

// WithDefaults returns o with its zero fields, except Size, set.
func (o HistoryOptions) WithDefaults() HistoryOptions {
	o.TTL = cmp.Or(o.TTL, 5*time.Minute)
	o.MaxBytes = cmp.Or(o.MaxBytes, 64<<20)
	return o
}

// entryOverhead is the approximate size of an entry without its frame, in bytes.
const entryOverhead = 64

// Entry is a message in the history of a room.
type Entry struct {
	Offset uint64
	Frame  []byte // one unmasked frame
	Except uint64 // the member that the message was not for; 0: none
	at     time.Time
}

// HistoryStats describes the histories of a hub.
type HistoryStats struct {
	Bytes   int    // as MaxBytes counts them
	Rooms   int    // rooms with a history
	Dropped uint64 // messages dropped before their TTL because of MaxBytes
}

// history holds the logs of rooms, including rooms without members.
type history struct {
	opts    HistoryOptions
	now     func() time.Time
	bytes   atomic.Int64
	dropped atomic.Uint64

	mu   sync.Mutex
	logs map[string]*roomLog
}

func newHistory(o HistoryOptions, now func() time.Time) *history {
	return &history{opts: o.WithDefaults(), now: now, logs: map[string]*roomLog{}}
}

// log returns the log of a room. It makes one if there is none, or returns nil
// if MaxBytes leaves no space for one. With hold the log is kept until release,
// and is made whatever MaxBytes says.
func (h *history) log(room string, hold bool) *roomLog {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.logs[room]
	if l == nil {
		n := logBytes(room)
		if !hold && h.bytes.Load()+n > int64(h.opts.MaxBytes) {
			h.dropped.Add(1)
			return nil
		}
		l = &roomLog{h: h, epoch: newEpoch(), used: h.now()}
		h.logs[room] = l
		h.bytes.Add(n)
	}
	if hold {
		l.holds++
	}
	return l
}

// logBytes is what the log of a room without messages counts against MaxBytes.
func logBytes(room string) int64 { return entryOverhead + int64(len(room)) }

// release ends a hold. A log without holds and messages is deleted if nobody
// was given a position of it, or if it exceeds MaxBytes. A client that comes back
// to a deleted log finds another epoch.
func (h *history) release(room string, l *roomLog) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.holds--
	l.used = h.now()
	l.expire(l.used)
	unknown := l.last == 0 && !l.positionGiven
	if l.holds == 0 && len(l.entries) == 0 && (unknown || h.bytes.Load() > int64(h.opts.MaxBytes)) {
		h.delete(room, l)
	}
}

// delete deletes the log of a room, which has no messages; mu and l.mu are held.
func (h *history) delete(room string, l *roomLog) {
	l.deleted = true
	delete(h.logs, room)
	h.bytes.Add(-logBytes(room))
}

// reserve counts n bytes as kept. It returns false if they exceed MaxBytes.
func (h *history) reserve(n int64) bool {
	for {
		kept := h.bytes.Load()
		if kept+n > int64(h.opts.MaxBytes) {
			return false
		}
		if h.bytes.CompareAndSwap(kept, kept+n) {
			return true
		}
	}
}

// append appends a message to the log of a room that nobody holds. It returns
// the zero Position if MaxBytes leaves no space for a log.
func (h *history) append(room string, f []byte, except uint64) frame.Position {
	for {
		l := h.log(room, false)
		if l == nil {
			return frame.Position{}
		}
		if offset := l.append(f, except); offset > 0 {
			return frame.Position{Epoch: l.epoch, Offset: offset}
		}
	}
}

// sweep drops messages older than the TTL. It deletes logs that have no
// messages and have not been used for the TTL.
func (h *history) sweep(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for room, l := range h.logs {
		l.mu.Lock()
		l.expire(now)
		if l.holds == 0 && len(l.entries) == 0 && now.Sub(l.used) > h.opts.TTL {
			h.delete(room, l)
		}
		l.mu.Unlock()
	}
}

func (h *history) stats() HistoryStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HistoryStats{Bytes: int(h.bytes.Load()), Rooms: len(h.logs), Dropped: h.dropped.Load()}
}

// Since returns the messages of a room after an offset, and the position of the
// newest one. ok is false, and there are no messages, if the history does not
// have all of them or the epoch is another.
func (h *Hub) Since(room, epoch string, offset uint64) (entries []Entry, at frame.Position, ok bool) {
	if h.history == nil {
		return nil, frame.Position{}, false
	}
	l := h.history.log(room, false)
	if l == nil {
		return nil, frame.Position{}, false
	}
	entries, last, ok := l.since(epoch, offset)
	return entries, frame.Position{Epoch: l.epoch, Offset: last}, ok
}

// SweepHistory frees messages older than the TTL, which Since does not return
// in any case.
func (h *Hub) SweepHistory(now time.Time) {
	if h.history != nil {
		h.history.sweep(now)
	}
}

// HistoryStats returns the current figures, zero without a history.
func (h *Hub) HistoryStats() HistoryStats {
	if h.history == nil {
		return HistoryStats{}
	}
	return h.history.stats()
}
