package hub

import (
	"sync"
	"time"
)

// flushAt is the size of a batch, in bytes, at which it goes out although the
// turn goes on.
const flushAt = 32 << 10

// maxRounds is how many batches of others one goroutine delivers before it
// hands the work to one that waits.
const maxRounds = 4

// Room gathers what is sent to it and gives each member all of it in one
// piece. One goroutine at a time delivers; others leave their frames for it,
// so that all members see one order and no lock is held while writing.
type Room struct {
	hub  *Hub
	Name string

	present map[string]*presence // guarded by hub.mu

	mu       sync.Mutex
	seats    []*seat
	lent     bool // seats is being walked without the lock: copy before a change
	batch    batch
	spare    []byte // a buffer for the next batch
	flushing bool
	again    bool // someone wanted a flush while flushing
	tired    bool // the one who delivers has done its share: the next waits for it
	waiting  int  // goroutines in idle.Wait
	idle     *sync.Cond
	isBusy   bool // counted in hub.busy
}

// Size counts the connections in the room.
func (r *Room) Size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.seats)
}

func (r *Room) own() {
	if r.lent {
		r.seats = append(make([]*seat, 0, len(r.seats)+len(r.seats)/4+1), r.seats...)
		r.lent = false
	}
}

// sit adds a member. What waits already was sent before it came.
func (r *Room) sit(s *seat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.own()
	s.at = len(r.seats)
	r.seats = append(r.seats, s)
	if n := len(r.batch.buf); n > 0 {
		r.batch.mark(mark{id: s.member.ID, to: n})
	}
}

// stand takes a member out.
func (r *Room) stand(s *seat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unseat(s)
}

// part takes a member out and gives it what waits for it, behind what is on
// its way.
func (r *Room) part(s *seat) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flushing {
		r.wait()
	}
	r.unseat(s)
	if !r.batch.empty() {
		var scratch []byte
		r.batch.deliverTo(s.member, &scratch)
		r.batch.forget(s.member.ID) // it may come back before the batch goes out
	}
}

// gone is seat.at of a seat that was given up.
const gone = -1

// unseat keeps the seats dense; mu is held.
func (r *Room) unseat(s *seat) {
	r.own()
	last := len(r.seats) - 1
	r.seats[s.at] = r.seats[last]
	r.seats[s.at].at = s.at
	r.seats[last] = nil
	r.seats = r.seats[:last]
	s.at = gone
}

// add appends a frame for all members but except; full says that the batch
// should not wait for the end of the turn.
func (r *Room) add(frame []byte, except uint64) (full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.touch()
	b := &r.batch
	if b.buf == nil {
		b.buf, r.spare = r.spare, nil
	}
	from := len(b.buf)
	b.buf = append(b.buf, frame...)
	b.frames++
	if except != 0 {
		b.mark(mark{id: except, from: from, to: len(b.buf)})
	}
	return b.size() >= flushAt
}

// insert puts a frame for one member, or a call about it, behind what waits
// in the room. ok is false when nothing waits or the member is not here any more.
func (r *Room) insert(s *seat, frame []byte, then func()) (ok, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isBusy || s.at == gone {
		return false, false
	}
	n := len(r.batch.buf)
	r.batch.mark(mark{id: s.member.ID, from: n, to: n, extra: append([]byte(nil), frame...), then: then})
	r.batch.extra += len(frame)
	return true, r.batch.size() >= flushAt
}

// waits says whether something is undelivered.
func (r *Room) waits() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.isBusy
}

// touch counts the room as busy; mu is held.
func (r *Room) touch() {
	if !r.isBusy {
		r.isBusy = true
		r.hub.busy.Add(1)
	}
}

// flush delivers what waits. If another goroutine delivers already, it will
// take care of it, unless there is so much, or it has done so much, that the
// caller has to wait for its turn: this is what bounds a batch.
func (r *Room) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.flushing {
		r.again = true
		if r.batch.size() < flushAt && !r.tired {
			return
		}
		r.wait()
	}
	r.deliver()
}

// drain is flush that returns when everything sent before is delivered.
func (r *Room) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.flushing {
		r.wait()
	}
	r.deliver()
}

// wait waits until nobody delivers; mu is held.
func (r *Room) wait() {
	if r.idle == nil {
		r.idle = sync.NewCond(&r.mu)
	}
	r.waiting++
	for r.flushing {
		r.idle.Wait()
	}
	r.waiting--
}

// deliver is the work of the one goroutine that delivers; mu is held, but not
// while it writes.
func (r *Room) deliver() {
	r.flushing = true
	for round := 0; !r.batch.empty(); round++ {
		b, seats := r.batch, r.seats
		r.batch, r.again, r.lent = batch{buf: r.spare}, false, true
		r.spare = nil
		r.mu.Unlock()
		start := time.Now()
		var frames, bytes int
		if len(b.marks) == 0 {
			for _, s := range seats {
				s.member.sink.Deliver(b.buf)
			}
			frames, bytes = b.frames*len(seats), len(b.buf)*len(seats)
		} else {
			frames, bytes = b.deliver(seats)
		}
		r.report(Flush{Members: len(seats), Frames: b.frames, Duration: time.Since(start)}, frames, bytes)
		r.mu.Lock()
		if r.spare == nil && cap(b.buf) <= 2*flushAt {
			r.spare = b.buf[:0]
		}
		if r.waiting > 0 && round >= maxRounds || !r.again && r.batch.size() < flushAt {
			break
		}
		r.tired = round >= maxRounds
	}
	r.lent, r.tired = false, false
	r.flushing = false
	if r.batch.empty() {
		if r.isBusy { // someone else may have delivered it all
			r.isBusy = false
			r.hub.busy.Add(-1)
		}
		r.batch.buf = nil
		if cap(r.spare) > 1<<10 && len(r.seats) < 64 {
			r.spare = nil // a small quiet room keeps no large buffer
		}
	}
	if r.waiting > 0 {
		r.idle.Signal()
	}
}

func (r *Room) report(f Flush, frames, bytes int) {
	if r.hub.opts.Flushed != nil && f.Frames > 0 {
		r.hub.opts.Flushed(f)
	}
	if r.hub.opts.Sent != nil {
		r.hub.opts.Sent(frames, bytes)
	}
}
