package socket

import (
	"sync"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// queue is what waits to be written: whole frames, the first of which may
// have gone out in part.
type queue struct {
	buf  []byte
	box  *[]byte // what buf came in, for the pool; nil: not from there
	head int     // buf[:head] is written
	next int     // where the first frame begins of which nothing is written
	owed bool    // that frame is the data of a position that is written, or has begun to be
}

// keepBuf is the largest buffer that goes back to the pool, in bytes.
const keepBuf = 64 << 10

var writeBufs = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func (q *queue) len() int      { return len(q.buf) - q.head }
func (q *queue) bytes() []byte { return q.buf[q.head:] }

// push adds the frames in p, of which the first n bytes are written already.
func (q *queue) push(p []byte, n int) {
	if q.buf == nil {
		q.box = writeBufs.Get().(*[]byte)
		q.buf = (*q.box)[:0]
	}
	if q.head > 0 && len(q.buf)+len(p)-n > cap(q.buf) {
		copy(q.buf, q.buf[q.head:])
		q.buf = q.buf[:len(q.buf)-q.head]
		q.next -= q.head
		q.head = 0
	}
	if n > 0 { // the queue was empty: what is pushed may begin within a frame
		at, last := 0, 0
		for at < n {
			last = at
			at += frame.Len(p[at:])
		}
		q.next = len(q.buf) + at - n
		_, q.owed = frame.Role(p[last:at])
	}
	q.buf = append(q.buf, p[n:]...)
}

// wrote takes n bytes from the front.
func (q *queue) wrote(n int) {
	q.head += n
	if q.head == len(q.buf) {
		q.reset()
		return
	}
	last := q.next
	for q.next < q.head {
		last = q.next
		q.next += frame.Len(q.buf[q.next:])
	}
	if last < q.next {
		_, q.owed = frame.Role(q.buf[last:q.next])
	}
}

// reset forgets everything and gives the buffer back.
func (q *queue) reset() {
	if q.box != nil && cap(q.buf) <= keepBuf {
		*q.box = q.buf[:0]
		writeBufs.Put(q.box)
	}
	*q = queue{}
}

// takeAt is how much take takes, in bytes, where frames are smaller.
const takeAt = 32 << 10

// take moves whole frames from the front to dst: at least one, and no more
// than n bytes if there are several. The queue must not begin within a frame.
func (q *queue) take(dst []byte, n int) []byte {
	end := q.head
	for end < len(q.buf) {
		k := frame.Len(q.buf[end:])
		if end > q.head && end+k-q.head > n {
			break
		}
		end += k
	}
	dst = append(dst, q.buf[q.head:end]...)
	q.wrote(end - q.head)
	return dst
}

// unsent counts the frames of data in p that did not go out whole with its
// first n bytes. Control frames are the host's own business.
func unsent(p []byte, n int) (frames int) {
	for at := 0; at < len(p); {
		end := at + frame.Len(p[at:])
		if !frame.IsControl(p[at:]) && end > n {
			frames++
		}
		at = end
	}
	return frames
}

// lost counts the frames of data that a queue loses that is given up. The one
// that has begun is taken for data: of what it is nothing may be left.
func (q *queue) lost() int {
	n := unsent(q.buf[q.next:], 0)
	if q.next > q.head {
		n++
	}
	return n
}

// cut removes the frames of which nothing is written, and counts those of data.
func (q *queue) cut() (frames int) {
	frames = unsent(q.buf[q.next:], 0)
	begun := append([]byte(nil), q.buf[q.head:q.next]...)
	q.reset()
	q.buf, q.next = begun, len(begun)
	return frames
}

// unbegun is how many bytes there are of frames that have not begun to go out.
func (q *queue) unbegun() int { return len(q.buf) - q.next }

// unit is what begins at a place where nothing is written and goes out as a whole or not at all,
// in bytes and frames: a frame or, where the subprotocol is spoken, a position with its data. stays
// says that it may not be dropped.
func (q *queue) unit(at int, spoken bool) (size, frames int, stays bool) {
	size = frame.Len(q.buf[at:])
	switch {
	case frame.IsControl(q.buf[at:]):
		return size, 1, true
	case !spoken:
		return size, 1, false
	case at == q.next && q.owed:
		return size, 1, true
	}
	stays, leads := frame.Role(q.buf[at : at+size])
	if leads && at+size < len(q.buf) {
		return size + frame.Len(q.buf[at+size:]), 2, stays
	}
	return size, 1, stays
}

// dropOldest removes the oldest data frames of which nothing is written,
// until n bytes are free. Control frames stay and, where the subprotocol is spoken, its control
// messages; only positions go, with their data.
func (q *queue) dropOldest(n int, spoken bool) (frames int) {
	w, freed := q.next, 0
	for at := q.next; at < len(q.buf); {
		k, f, stays := q.unit(at, spoken)
		if freed < n && !stays {
			freed += k
			frames += f
			at += k
			continue
		}
		copy(q.buf[w:], q.buf[at:at+k])
		w += k
		at += k
	}
	q.buf = q.buf[:w]
	return frames
}

// staying is how many bytes of what waits dropOldest can not remove.
func (q *queue) staying(spoken bool) int {
	n := q.next - q.head
	for at := q.next; at < len(q.buf); {
		k, _, stays := q.unit(at, spoken)
		if stays {
			n += k
		}
		at += k
	}
	return n
}
