package hub

import "sync/atomic"

// barrier holds a frame for a member, a call, or both until each busy room of
// the member has delivered what was sent before.
type barrier struct {
	member    *Member
	frame     []byte
	then      func()
	remaining atomic.Int32 // rooms still to deliver, plus one while the barrier is set up
}

// enqueueBarrier is enqueue for a member with several busy rooms; Hub.mu is
// held.
func (o *Outbox) enqueueBarrier(m *Member, f []byte, then func()) {
	b := &barrier{member: m, frame: append([]byte(nil), f...), then: then}
	b.remaining.Store(1)
	for _, s := range m.memberships {
		b.remaining.Add(1)
		if ok, _ := s.room.appendFor(s, nil, b.done); ok {
			o.markPending(s.room)
		} else {
			b.remaining.Add(-1)
		}
	}
	if len(f) > 0 {
		o.frames++
		o.bytes += len(f)
	}
	b.done()
}

// done takes one off remaining. The last call releases the frame.
func (b *barrier) done() {
	if b.remaining.Add(-1) > 0 {
		return
	}
	if len(b.frame) > 0 {
		b.member.sink.Deliver(b.frame)
	}
	if b.then != nil {
		b.then()
	}
}
