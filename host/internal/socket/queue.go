package socket

import (
	"sync"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// queue holds the frames that wait to be written. A part of the first one may be
// written already.
type queue struct {
	buf    []byte
	pooled *[]byte // the value from writeBufs that has buf; nil: buf is not from there
	head   int     // buf[:head] is written
	next   int     // start of the first frame of which nothing is written
	// nextPaired says that the frame at next is the data of a position that is
	// written, at least in part.
	nextPaired bool
}

// keepBuf is the size of the largest buffer that returns to a pool, in bytes.
const keepBuf = 64 << 10

var writeBufs = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func (q *queue) len() int      { return len(q.buf) - q.head }
func (q *queue) bytes() []byte { return q.buf[q.head:] }

// push adds the frames in p, of which the first n bytes are written already. n
// is 0 unless the queue is empty.
func (q *queue) push(p []byte, n int) {
	if q.buf == nil {
		q.pooled = writeBufs.Get().(*[]byte)
		q.buf = (*q.pooled)[:0]
	}
	if q.head > 0 && len(q.buf)+len(p)-n > cap(q.buf) {
		copy(q.buf, q.buf[q.head:])
		q.buf = q.buf[:len(q.buf)-q.head]
		q.next -= q.head
		q.head = 0
	}
	if n > 0 { // find the first frame that begins at n or later
		at, last := 0, 0
		for at < n {
			last = at
			at += frame.Len(p[at:])
		}
		q.next = len(q.buf) + at - n
		_, q.nextPaired = frame.Role(p[last:at])
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
		_, q.nextPaired = frame.Role(q.buf[last:q.next])
	}
}

// reset empties the queue and returns the buffer to the pool.
func (q *queue) reset() {
	if q.pooled != nil && cap(q.buf) <= keepBuf {
		*q.pooled = q.buf[:0]
		writeBufs.Put(q.pooled)
	}
	*q = queue{}
}

// flushChunk is how many bytes the flusher of a portable connection takes and
// writes at once.
const flushChunk = 32 << 10

// take moves whole frames from the front to dst: at least one, and no more than
// n bytes if there are several. The first frame must not be written in part.
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

// unsentData returns the number of data frames in p that are not part of its
// first n bytes as a whole. Control frames of WebSocket do not count.
func unsentData(p []byte, n int) (frames int) {
	for at := 0; at < len(p); {
		end := at + frame.Len(p[at:])
		if !frame.IsControl(p[at:]) && end > n {
			frames++
		}
		at = end
	}
	return frames
}

// lost returns the number of data frames in the queue, for a queue that is given
// up. A frame that is partly written counts as data: its header may be gone.
func (q *queue) lost() int {
	n := unsentData(q.buf[q.next:], 0)
	if q.next > q.head {
		n++
	}
	return n
}

// truncate removes the frames of which nothing is written. It returns the number
// of data frames among them.
func (q *queue) truncate() (frames int) {
	frames = unsentData(q.buf[q.next:], 0)
	begun := append([]byte(nil), q.buf[q.head:q.next]...)
	q.reset()
	q.buf, q.next = begun, len(begun)
	return frames
}

// unbegun returns the number of bytes of the frames of which nothing is written.
func (q *queue) unbegun() int { return len(q.buf) - q.next }

// unit describes what starts at an offset from next on and is dropped or kept as
// a whole: one frame or, with v1, a position and its data. keep says that it may
// not be dropped. See frame.Role.
func (q *queue) unit(at int, v1 bool) (size, frames int, keep bool) {
	size = frame.Len(q.buf[at:])
	switch {
	case frame.IsControl(q.buf[at:]):
		return size, 1, true
	case !v1:
		return size, 1, false
	case at == q.next && q.nextPaired:
		return size, 1, true
	}
	keep, paired := frame.Role(q.buf[at : at+size])
	if paired && at+size < len(q.buf) {
		return size + frame.Len(q.buf[at+size:]), 2, keep
	}
	return size, 1, keep
}

// dropOldest removes units from the front until n bytes are free, or only those
// are left that may not be dropped. It returns the number of frames removed. v1
// says that the client speaks azuhost.v1.
func (q *queue) dropOldest(n int, v1 bool) (frames int) {
	w, freed := q.next, 0
	for at := q.next; at < len(q.buf); {
		k, f, keep := q.unit(at, v1)
		if freed < n && !keep {
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

// undroppable returns how many bytes of the queue dropOldest cannot remove.
func (q *queue) undroppable(v1 bool) int {
	n := q.next - q.head
	for at := q.next; at < len(q.buf); {
		k, _, keep := q.unit(at, v1)
		if keep {
			n += k
		}
		at += k
	}
	return n
}
