package hub

import (
	"slices"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// batch is what waits in a room: frames for everybody, and marks for members
// that get something else.
type batch struct {
	buf    []byte
	tag    []byte // buf for members who speak the subprotocol, while there are any
	frames int
	marks  []mark // in the order of to
	extra  int    // bytes in the marks
	who    uint64 // a bit for each id with a mark, by its low 6 bits
}

// mark says what one member gets instead of buf[from:to]: the frames in
// extra, and then a call. An exception of a broadcast has neither; a message to
// one member has from == to.
type mark struct {
	id             uint64
	from, to       int
	tagFrom, tagTo int // the same in batch.tag
	extra          []byte
	tagExtra       []byte // in front of extra, in batch.tag
	then           func()
}

func (b *batch) empty() bool { return len(b.buf) == 0 && len(b.tag) == 0 && len(b.marks) == 0 }

// size is what counts against flushAt.
func (b *batch) size() int { return max(len(b.buf), len(b.tag)) + b.extra }

// view is the batch as a member without marks gets it.
func (b *batch) view(m *Member) []byte {
	if m.tagged {
		return b.tag
	}
	return b.buf
}

// smallMarks is for how many marks a small room keeps a buffer, which a member that sends to the
// others needs; maxMarks for how many a large one does.
const (
	smallMarks = 4
	maxMarks   = 256
)

// reuse gives the buffer of the marks of a batch that went to so many members to the next one.
func (b *batch) reuse(members int) []mark {
	if n := cap(b.marks); n > maxMarks || n > smallMarks && members < 64 {
		return nil
	}
	clear(b.marks) // what they refer to is not kept
	return b.marks[:0]
}

// forget drops the marks of a member.
func (b *batch) forget(id uint64) {
	b.marks = slices.DeleteFunc(b.marks, func(m mark) bool { return m.id == id })
}

func (b *batch) mark(m mark) {
	b.marks = append(b.marks, m)
	b.who |= 1 << (m.id & 63)
}

// marked says whether a member gets something else than all.
func (b *batch) marked(id uint64) bool {
	return b.who&(1<<(id&63)) != 0 && slices.ContainsFunc(b.marks, func(m mark) bool { return m.id == id })
}

// deliver is the delivery of a batch with marks. It counts what went out.
func (b *batch) deliver(seats []*seat) (frames, bytes int) {
	var scratch []byte
	for _, s := range seats {
		if !b.marked(s.member.ID) {
			p := b.view(s.member)
			if len(p) == 0 { // it is all for others
				continue
			}
			s.member.sink.Deliver(p)
			frames += b.frames
			bytes += len(p)
			continue
		}
		f, n := b.deliverTo(s.member, &scratch)
		frames += f
		bytes += n
	}
	return frames, bytes
}

// deliverTo gives a member that has marks its view of the batch.
func (b *batch) deliverTo(m *Member, scratch *[]byte) (frames, bytes int) {
	out, all := (*scratch)[:0], b.view(m)
	send := func() {
		if len(out) > 0 {
			m.sink.Deliver(out)
			frames += frame.CountData(out)
			bytes += len(out)
			out = out[:0]
		}
	}
	at := 0
	for i := range b.marks {
		k := &b.marks[i]
		if k.id != m.ID {
			continue
		}
		from, to := k.from, k.to
		if m.tagged {
			from, to = k.tagFrom, k.tagTo
		}
		if from > at {
			out = append(out, all[at:from]...)
		}
		at = max(at, to)
		if m.tagged {
			out = append(out, k.tagExtra...)
		}
		out = append(out, k.extra...)
		if k.then != nil {
			send()
			k.then()
		}
	}
	out = append(out, all[at:]...)
	send()
	*scratch = out
	return frames, bytes
}
