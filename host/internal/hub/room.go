package hub

import (
	"sync"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Room has members and collects the frames that are sent to them. The package
// documentation describes who delivers the frames.
type Room struct {
	// constant
	hub      *Hub
	Name     string
	log      *roomLog // nil: this hub keeps no history of the room
	nameJSON []byte   // Name as JSON; nil: the room has no history

	// guarded by hub.mu
	present map[string]*presence // by user

	// guarded by mu
	mu            sync.Mutex
	memberships   []*membership
	shared        bool // deliver reads memberships without mu: copy before a change
	v1Members     int  // members that speak azuhost.v1
	position      frame.Position
	positionKnown bool   // position is that of the newest message, in an external history
	batch         batch  // frames to be delivered
	spare         []byte // a buffer for the next batch
	busy          bool   // frames wait, or are being delivered; counted in hub.busyRooms
	delivering    bool   // a goroutine is in deliver
	flushAgain    bool   // flush was called meanwhile
	handOver      bool   // that goroutine has delivered maxRounds batches: flush waits for its end
	waiting       int    // goroutines in waitIdle
	idle          *sync.Cond
}

// Size returns the number of connections in the room.
func (r *Room) Size() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.memberships)
}

func (r *Room) memberIDs() []uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	ids := make([]uint64, len(r.memberships))
	for i, s := range r.memberships {
		ids[i] = s.member.ID
	}
	return ids
}

// unshare makes memberships safe to change; mu is held.
func (r *Room) unshare() {
	if r.shared {
		r.memberships = append(make([]*membership, 0, len(r.memberships)+len(r.memberships)/4+1), r.memberships...)
		r.shared = false
	}
}

// add adds a membership. The member does not get the frames that wait now, and
// gets the position behind them.
func (r *Room) add(s *membership) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.unshare()
	s.index = len(r.memberships)
	r.memberships = append(r.memberships, s)
	var joined []byte
	if s.member.v1 {
		r.v1Members++
		if p, ok := r.currentPosition(); ok {
			joined = frame.Joined(r.Name, p)
		}
	}
	if b := &r.batch; !b.empty() {
		b.addOverride(override{id: s.member.ID, to: len(b.buf), v1To: len(b.v1Buf), extra: joined})
	} else if joined != nil {
		s.member.sink.Deliver(joined)
	}
}

// remove ends a membership. The frames that wait do not reach the member.
func (r *Room) remove(s *membership) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.removeLocked(s)
}

// deliverAndRemove ends a membership. The member gets the frames that wait
// first, behind those that are being delivered.
func (r *Room) deliverAndRemove(s *membership) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delivering {
		r.waitIdle()
	}
	r.removeLocked(s)
	if !r.batch.empty() {
		var scratch []byte
		r.batch.deliverTo(s.member, &scratch)
		r.batch.dropOverrides(s.member.ID) // the member may rejoin before the batch is delivered
	}
	if r.waiting > 0 && !r.delivering {
		// The signal that ended waitIdle was for one goroutine. Another may wait
		// in order to deliver, which this one does not do.
		r.idle.Signal()
	}
}

// removeLocked removes s from memberships, which stays dense; mu is held.
func (r *Room) removeLocked(s *membership) {
	r.unshare()
	if s.member.v1 {
		r.v1Members--
	}
	last := len(r.memberships) - 1
	r.memberships[s.index] = r.memberships[last]
	r.memberships[s.index].index = s.index
	r.memberships[last] = nil
	r.memberships = r.memberships[:last]
	s.index = removed
}

// currentPosition returns the position of the newest message. ok is false if
// the room has no history, or one whose position is not known yet. mu is held.
func (r *Room) currentPosition() (p frame.Position, ok bool) {
	if r.log != nil {
		return r.log.position(), true
	}
	return r.position, r.positionKnown
}

// setPosition records the position of the newest message in an external
// history. An older position of the same epoch has no effect. Members that speak
// azuhost.v1 get a joined message, unless they have got a position of that epoch
// before. flush reports whether the messages wait in the batch.
func (r *Room) setPosition(p frame.Position) (flush bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	sameEpoch := r.positionKnown && r.position.Epoch == p.Epoch
	if sameEpoch && r.position.Offset >= p.Offset {
		return false
	}
	r.position, r.positionKnown = p, true
	if sameEpoch || r.v1Members == 0 {
		return false
	}
	joined := frame.Joined(r.Name, p)
	for _, s := range r.memberships {
		switch {
		case !s.member.v1:
		case r.busy:
			r.batch.addBehind(s.member.ID, joined, nil)
		default:
			s.member.sink.Deliver(joined)
		}
	}
	return r.busy
}

// append adds a frame for all members but except. The log, if there is one,
// gives the frame its position; otherwise at is the position in an external
// history, or zero.
//
// append returns the number of members, including except, and the position. full
// says that the batch has to be flushed before the end of the outbox.
func (r *Room) append(f []byte, except uint64, at frame.Position) (members int, _ frame.Position, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.log != nil {
		at = frame.Position{Epoch: r.log.epoch, Offset: r.log.append(f, except)}
	} else if at.Offset > 0 {
		r.position, r.positionKnown = at, true
	}
	if members = len(r.memberships); members == 0 {
		return 0, at, false
	}
	r.markBusy()
	b := &r.batch
	if b.buf == nil {
		b.buf, r.spare = r.spare, nil
	}
	o := override{id: except, from: len(b.buf), v1From: len(b.v1Buf)}
	b.buf = append(b.buf, f...)
	b.frames++
	if r.v1Members > 0 {
		if at.Offset > 0 {
			b.v1Buf = frame.AppendPosition(b.v1Buf, r.nameJSON, at, false)
			if except != 0 {
				o.v1Extra = frame.AppendPosition(nil, r.nameJSON, at, true)
			}
		}
		b.v1Buf = frame.AppendEscaped(b.v1Buf, f)
	}
	if except != 0 {
		o.to, o.v1To = len(b.buf), len(b.v1Buf)
		b.addOverride(o)
	}
	return members, at, b.full()
}

// skip records that all members have the message at a position in an external
// history already. Members that speak azuhost.v1 get the position alone.
func (r *Room) skip(at frame.Position) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.position, r.positionKnown = at, true
	if r.v1Members > 0 {
		r.markBusy()
		r.batch.v1Buf = frame.AppendPosition(r.batch.v1Buf, r.nameJSON, at, true)
	}
}

// appendFor adds a frame for one member, a call, or both, behind the frames
// that wait. ok is false, and nothing is added, if the room is not busy or the
// membership has ended. full says that the batch has to be flushed before the
// end of the outbox.
func (r *Room) appendFor(s *membership, f []byte, then func()) (ok, full bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.busy || s.index == removed {
		return false, false
	}
	r.batch.addBehind(s.member.ID, append([]byte(nil), f...), then)
	return true, r.batch.full()
}

// isBusy reports whether frames wait or are being delivered.
func (r *Room) isBusy() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.busy
}

// markBusy sets busy; mu is held.
func (r *Room) markBusy() {
	if !r.busy {
		r.busy = true
		r.hub.busyRooms.Add(1)
	}
}
