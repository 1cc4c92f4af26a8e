package hub

import (
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
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
	log  *roomLog // its history; nil: none in this hub
	json []byte   // Name as JSON, where it has a history

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
	isBusy   bool           // counted in hub.busy
	tagged   int            // members who want positions
	place    frame.Position // of the last message, where the history is not here
	placed   bool           // place is known
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
	var joined []byte
	if s.member.tagged {
		r.tagged++
		if p, ok := r.stands(); ok {
			joined = frame.Joined(r.Name, p)
		}
	}
	if b := &r.batch; !b.empty() {
		b.mark(mark{id: s.member.ID, to: len(b.buf), tagTo: len(b.tag), extra: joined})
		b.extra += len(joined)
	} else if joined != nil {
		s.member.sink.Deliver(joined)
	}
}

// stands says where the room is in its history; mu is held.
func (r *Room) stands() (frame.Position, bool) {
	switch {
	case r.log != nil:
		return r.log.stands(), true
	case r.placed:
		return r.place, true
	}
	return frame.Position{}, false
}

// settle takes the position of a room whose history is not here, and tells
// the members who have waited for it. waits says that this has to be flushed.
func (r *Room) settle(p frame.Position) (waits bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.placed && r.place.Epoch == p.Epoch && r.place.Offset >= p.Offset {
		return false
	}
	told := r.placed && r.place.Epoch == p.Epoch
	r.place, r.placed = p, true
	if told || r.tagged == 0 {
		return false
	}
	f := frame.Joined(r.Name, p)
	for _, s := range r.seats {
		if !s.member.tagged {
			continue
		}
		if r.isBusy {
			r.batch.mark(mark{id: s.member.ID, from: len(r.batch.buf), to: len(r.batch.buf), tagFrom: len(r.batch.tag), tagTo: len(r.batch.tag), extra: f})
			r.batch.extra += len(f)
			continue
		}
		s.member.sink.Deliver(f)
	}
	return r.isBusy
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
	if r.waiting > 0 && !r.flushing {
		r.idle.Signal() // the one that came to this may have been meant for another, who delivers
	}
}

// gone is seat.at of a seat that was given up.
const gone = -1

// unseat keeps the seats dense; mu is held.
func (r *Room) unseat(s *seat) {
	r.own()
	if s.member.tagged {
		r.tagged--
	}
	last := len(r.seats) - 1
	r.seats[s.at] = r.seats[last]
	r.seats[s.at].at = s.at
	r.seats[last] = nil
	r.seats = r.seats[:last]
	s.at = gone
}

// add appends a frame for all members but except, and says how many members there are;
// full says that the batch should not wait for the end of the outbox. at is the
// frame's position, where a history elsewhere has numbered it; what comes back is the one that it has.
func (r *Room) add(f []byte, except uint64, at frame.Position) (n int, _ frame.Position, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.log != nil {
		at = frame.Position{Epoch: r.log.epoch, Offset: r.log.append(f, except)}
	} else if at.Offset > 0 {
		r.place, r.placed = at, true
	}
	if n = len(r.seats); n == 0 {
		return 0, at, false
	}
	r.touch()
	b := &r.batch
	if b.buf == nil {
		b.buf, r.spare = r.spare, nil
	}
	k := mark{id: except, from: len(b.buf), tagFrom: len(b.tag)}
	b.buf = append(b.buf, f...)
	b.frames++
	if r.tagged > 0 {
		if at.Offset > 0 {
			b.tag = frame.AppendPosition(b.tag, r.json, at, false)
			if except != 0 {
				k.tagExtra = frame.AppendPosition(nil, r.json, at, true)
			}
		}
		b.tag = frame.AppendEscaped(b.tag, f)
	}
	if except != 0 {
		k.to, k.tagTo = len(b.buf), len(b.tag)
		b.mark(k)
	}
	return n, at, b.size() >= flushAt
}

// pass counts a message that all members have already.
func (r *Room) pass(at frame.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.place, r.placed = at, true
	if r.tagged > 0 {
		r.touch()
		r.batch.tag = frame.AppendPosition(r.batch.tag, r.json, at, true)
	}
}

// insert puts a frame for one member, or a call about it, behind what waits
// in the room. ok is false when nothing waits or the member is not here any more.
func (r *Room) insert(s *seat, f []byte, then func()) (ok, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.isBusy || s.at == gone {
		return false, false
	}
	n, t := len(r.batch.buf), len(r.batch.tag)
	r.batch.mark(mark{id: s.member.ID, from: n, to: n, tagFrom: t, tagTo: t, extra: append([]byte(nil), f...), then: then})
	r.batch.extra += len(f)
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
		if len(b.marks) == 0 && len(b.tag) == 0 {
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
		if r.batch.marks == nil {
			r.batch.marks = b.reuse(len(seats))
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
