package hub

import "slices"

// batch is what waits in a room: frames for everybody, and marks for members
// that get something else.
type batch struct {
	buf    []byte
	frames int
	marks  []mark // in the order of to
	extra  int    // bytes in the marks
	who    uint64 // a bit for each id with a mark, by its low 6 bits
}

// mark says what one member gets instead of buf[from:to]: the frames in
// extra, and then a call. An exception of a broadcast has neither; a message to
// one member has from == to.
type mark struct {
	id       uint64
	from, to int
	extra    []byte
	then     func()
}

func (b *batch) empty() bool { return len(b.buf) == 0 && len(b.marks) == 0 }

// size is what counts against flushAt.
func (b *batch) size() int { return len(b.buf) + b.extra }

// forget drops the marks of a member.
func (b *batch) forget(id uint64) {
	b.marks = slices.DeleteFunc(b.marks, func(m mark) bool { return m.id == id })
}

func (b *batch) mark(m mark) {
	b.marks = append(b.marks, m)
	b.who |= 1 << (m.id & 63)
}

// deliver is the delivery of a batch with marks. It counts what went out.
func (b *batch) deliver(seats []*seat) (frames, bytes int) {
	var scratch []byte
	for _, s := range seats {
		if b.who&(1<<(s.member.ID&63)) == 0 {
			if len(b.buf) == 0 { // it is all for others
				continue
			}
			s.member.sink.Deliver(b.buf)
			frames += b.frames
			bytes += len(b.buf)
			continue
		}
		f, n := b.deliverTo(s.member, &scratch)
		frames += f
		bytes += n
	}
	return frames, bytes
}

// deliverTo gives a member that may have marks its view of the batch.
func (b *batch) deliverTo(m *Member, scratch *[]byte) (frames, bytes int) {
	out := (*scratch)[:0]
	send := func() {
		if len(out) > 0 {
			m.sink.Deliver(out)
			frames += CountFrames(out)
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
		if k.from > at {
			out = append(out, b.buf[at:k.from]...)
		}
		at = max(at, k.to)
		out = append(out, k.extra...)
		if k.then != nil {
			send()
			k.then()
		}
	}
	out = append(out, b.buf[at:]...)
	send()
	*scratch = out
	return frames, bytes
}
