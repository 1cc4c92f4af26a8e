package hub

import (
	"slices"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// batch holds the frames that wait in a room: those for all members, and
// overrides for members that get something else.
type batch struct {
	buf       []byte
	v1Buf     []byte // buf for members that speak azuhost.v1, while there are any
	frames    int    // in buf
	overrides []override
	extra     int    // bytes of override.extra
	idBits    uint64 // bit id%64 is set for each id with an override
}

// override says what one member gets instead of buf[from:to]: the frames in
// extra, and then a call. The exception of a broadcast has neither. A frame for
// one member has from == to. The overrides of a batch are in ascending order of
// to.
type override struct {
	id           uint64
	from, to     int
	v1From, v1To int // the same in batch.v1Buf
	extra        []byte
	v1Extra      []byte // in front of extra, for a member that speaks azuhost.v1
	then         func()
}

// empty reports whether nothing waits.
func (b *batch) empty() bool { return len(b.buf) == 0 && len(b.v1Buf) == 0 && len(b.overrides) == 0 }

// full reports whether the batch has flushAt bytes or more.
func (b *batch) full() bool { return max(len(b.buf), len(b.v1Buf))+b.extra >= flushAt }

// framesFor returns the frames for m if it has no override.
func (b *batch) framesFor(m *Member) []byte {
	if m.v1 {
		return b.v1Buf
	}
	return b.buf
}

// addOverride adds an override, whose to is the end of the batch.
func (b *batch) addOverride(o override) {
	b.overrides = append(b.overrides, o)
	b.extra += len(o.extra)
	b.idBits |= 1 << (o.id & 63)
}

// addBehind adds a frame for one member, a call, or both, behind everything in
// the batch. The batch keeps f.
func (b *batch) addBehind(id uint64, f []byte, then func()) {
	n, v1 := len(b.buf), len(b.v1Buf)
	b.addOverride(override{id: id, from: n, to: n, v1From: v1, v1To: v1, extra: f, then: then})
}

// hasOverride reports whether a member has an override.
func (b *batch) hasOverride(id uint64) bool {
	return b.idBits&(1<<(id&63)) != 0 && slices.ContainsFunc(b.overrides, func(o override) bool { return o.id == id })
}

// dropOverrides removes the overrides of a member.
func (b *batch) dropOverrides(id uint64) {
	b.overrides = slices.DeleteFunc(b.overrides, func(o override) bool { return o.id == id })
}

// Bounds of the buffers of overrides that rooms keep, in elements. A small room
// keeps enough for members that send to the others.
const (
	smallRoomOverrides = 4
	maxOverrides       = 256
)

// reusableOverrides returns the buffer of the overrides, emptied, for a later
// batch of a room with so many members; nil if it is too large to keep.
func (b *batch) reusableOverrides(members int) []override {
	if n := cap(b.overrides); n > maxOverrides || n > smallRoomOverrides && members < smallRoom {
		return nil
	}
	clear(b.overrides) // releases what they refer to
	return b.overrides[:0]
}

// deliver delivers the batch to members. It returns the number of frames and
// bytes that went out, summed over the members.
func (b *batch) deliver(members []*membership) (frames, bytes int) {
	if len(b.overrides) == 0 && len(b.v1Buf) == 0 {
		for _, s := range members {
			s.member.sink.Deliver(b.buf)
		}
		return b.frames * len(members), len(b.buf) * len(members)
	}
	var scratch []byte
	for _, s := range members {
		if b.hasOverride(s.member.ID) {
			f, n := b.deliverTo(s.member, &scratch)
			frames += f
			bytes += n
		} else if p := b.framesFor(s.member); len(p) > 0 {
			s.member.sink.Deliver(p)
			frames += b.frames
			bytes += len(p)
		}
	}
	return frames, bytes
}

// deliverTo delivers the batch to a member that has overrides. scratch is a
// buffer that calls share.
func (b *batch) deliverTo(m *Member, scratch *[]byte) (frames, bytes int) {
	out, all := (*scratch)[:0], b.framesFor(m)
	send := func() {
		if len(out) > 0 {
			m.sink.Deliver(out)
			frames += frame.CountData(out)
			bytes += len(out)
			out = out[:0]
		}
	}
	at := 0
	for i := range b.overrides {
		o := &b.overrides[i]
		if o.id != m.ID {
			continue
		}
		from, to := o.from, o.to
		if m.v1 {
			from, to = o.v1From, o.v1To
		}
		if from > at {
			out = append(out, all[at:from]...)
		}
		at = max(at, to)
		if m.v1 {
			out = append(out, o.v1Extra...)
		}
		out = append(out, o.extra...)
		if o.then != nil {
			send()
			o.then()
		}
	}
	out = append(out, all[at:]...)
	send()
	*scratch = out
	return frames, bytes
}
