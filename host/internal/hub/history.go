package hub

import (
	"cmp"
	"crypto/rand"
	"encoding/hex"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// HistoryOptions say what a hub keeps of what was sent to its rooms.
type HistoryOptions struct {
	// Size is how many messages of a room are kept. 0: no history.
	Size int
	// TTL is how long a message is kept. 0: 5 min.
	TTL time.Duration
	// MaxBytes bounds the histories of all rooms together: frames, and
	// entryOverhead for each and for each room. 0: 64 MiB.
	MaxBytes int
}

// WithDefaults returns o with its zero fields set, but Size.
func (o HistoryOptions) WithDefaults() HistoryOptions {
	o.TTL = cmp.Or(o.TTL, 5*time.Minute)
	o.MaxBytes = cmp.Or(o.MaxBytes, 64<<20)
	return o
}

// entryOverhead is what an entry takes beside its frame, about.
const entryOverhead = 64

// Entry is a message of a room's history.
type Entry struct {
	Offset uint64
	Frame  []byte // as AppendFrame made it
	Except uint64 // the member that it was not for; 0: none
	at     time.Time
}

// HistoryStats are figures of one moment.
type HistoryStats struct {
	Bytes   int    // kept
	Rooms   int    // that have a history
	Dropped uint64 // messages that were forgotten before their time, for MaxBytes
}

// history keeps the last messages of each room, whether it has members or not.
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

// roomLog is the history of one room. Offsets are given out by it, under its
// lock, so that they are the order of the room.
type roomLog struct {
	h     *history
	epoch string

	mu      sync.Mutex
	last    uint64    // offset of the newest message, kept or not
	entries []Entry   // the newest, without gaps up to last
	used    time.Time // when it was last asked for, or got something
	swept   bool      // it is not the room's any more: another begins
	told    bool      // somebody knows where it stood
	users   int       // rooms with members that have it; guarded by h.mu
}

// newEpoch names a new beginning of a history.
func newEpoch() string {
	var b [6]byte
	_, _ = rand.Read(b[:]) // it never fails
	return hex.EncodeToString(b[:])
}

// log gives the history of a room, and makes one where there is none. hold has
// it live until release. Without it nil says that there is no place for one more.
func (h *history) log(room string, hold bool) *roomLog {
	h.mu.Lock()
	defer h.mu.Unlock()
	l := h.logs[room]
	n := entryOverhead + int64(len(room))
	if l == nil {
		if !hold && h.bytes.Load()+n > int64(h.opts.MaxBytes) {
			h.dropped.Add(1)
			return nil
		}
		l = &roomLog{h: h, epoch: newEpoch(), used: h.now()}
		h.logs[room] = l
		h.bytes.Add(n)
	}
	if hold {
		l.users++
	}
	return l
}

// stands says where the log is, to somebody who may come back with that.
func (l *roomLog) stands() frame.Position {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.told = true
	return frame.Position{Epoch: l.epoch, Offset: l.last}
}

// release ends a hold. A log without messages is forgotten if nobody was told where it
// stands, or if there is no place for it: who comes back to it finds another epoch.
func (h *history) release(room string, l *roomLog) {
	h.mu.Lock()
	defer h.mu.Unlock()
	l.mu.Lock()
	defer l.mu.Unlock()
	l.users--
	l.used = h.now()
	l.expire(l.used)
	unknown := l.last == 0 && !l.told
	if l.users == 0 && len(l.entries) == 0 && (unknown || h.bytes.Load() > int64(h.opts.MaxBytes)) {
		h.forget(room, l)
	}
}

// forget drops the log of a room, which has no messages; mu and that of the log are held.
func (h *history) forget(room string, l *roomLog) {
	l.swept = true // who has found it before looks again
	delete(h.logs, room)
	h.bytes.Add(-entryOverhead - int64(len(room)))
}

// reserve counts n bytes as kept, where MaxBytes has place for them.
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

// append is roomLog.append for a room without members, whose log nobody holds. No place: it is the zero Position.
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

// append numbers a message and keeps it, or else nothing that is older. 0: the log was swept
// before, and has not taken it. One that is held never is.
func (l *roomLog) append(f []byte, except uint64) uint64 {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.swept {
		return 0
	}
	now := l.h.now()
	l.last++
	l.used = now
	o := &l.h.opts
	l.expire(now)
	for len(l.entries) >= o.Size {
		l.forget(1)
	}
	n := int64(len(f) + entryOverhead)
	for !l.h.reserve(n) { // other rooms may take what is given up here
		l.h.dropped.Add(1)
		if len(l.entries) == 0 { // none is left that a gap would follow
			return l.last
		}
		l.forget(1)
	}
	l.entries = append(l.entries, Entry{Offset: l.last, Frame: slices.Clone(f), Except: except, at: now})
	return l.last
}

// forget drops the n oldest entries; mu is held.
func (l *roomLog) forget(n int) {
	for _, e := range l.entries[:n] {
		l.h.bytes.Add(-int64(len(e.Frame) + entryOverhead))
	}
	if clear(l.entries[:n]); n == len(l.entries) {
		l.entries = nil
		return
	}
	l.entries = l.entries[n:]
}

// expire drops what is too old; mu is held.
func (l *roomLog) expire(now time.Time) {
	n := 0
	for n < len(l.entries) && now.Sub(l.entries[n].at) > l.h.opts.TTL {
		n++
	}
	if n > 0 {
		l.forget(n)
	}
}

// since gives all messages after an offset, and where the log stands. ok is
// false when it does not have all of them.
func (l *roomLog) since(epoch string, offset uint64) (entries []Entry, last uint64, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.used, l.told = l.h.now(), true
	l.expire(l.used)
	first := l.last + 1
	if len(l.entries) > 0 {
		first = l.entries[0].Offset
	}
	gaps := first+uint64(len(l.entries)) != l.last+1 // there are none, but a part would be taken for all
	if epoch != l.epoch || offset > l.last || offset+1 < first || gaps {
		return nil, l.last, false
	}
	return slices.Clone(l.entries[offset+1-first:]), l.last, true
}

// sweep forgets what is too old, and the logs that nobody can ask for any more.
func (h *history) sweep(now time.Time) {
	h.mu.Lock()
	defer h.mu.Unlock()
	for room, l := range h.logs {
		l.mu.Lock()
		l.expire(now)
		if l.users == 0 && len(l.entries) == 0 && now.Sub(l.used) > h.opts.TTL {
			h.forget(room, l)
		}
		l.mu.Unlock()
	}
}

func (h *history) stats() HistoryStats {
	h.mu.Lock()
	defer h.mu.Unlock()
	return HistoryStats{Bytes: int(h.bytes.Load()), Rooms: len(h.logs), Dropped: h.dropped.Load()}
}

// Since gives the messages of a room after an offset, and where the room
// stands. ok is false when the history does not have all of them, or the
// epoch is another: then there are none.
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

// SweepHistory forgets what is older than the TTL. Readers never see it before either.
func (h *Hub) SweepHistory(now time.Time) {
	if h.history != nil {
		h.history.sweep(now)
	}
}

// HistoryStats gives the figures of now.
func (h *Hub) HistoryStats() HistoryStats {
	if h.history == nil {
		return HistoryStats{}
	}
	return h.history.stats()
}
