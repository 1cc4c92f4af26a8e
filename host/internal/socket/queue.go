package socket

import (
	"sync"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// queue is what waits to be written: whole frames, the first of which may
// have gone out in part.
type queue struct {
	buf  []byte
	head int // buf[:head] is written
	next int // where the first frame begins of which nothing is written
}

// keepBuf is the largest buffer that goes back to the pool, in bytes.
const keepBuf = 64 << 10

var writeBufs = sync.Pool{New: func() any { b := make([]byte, 0, 4<<10); return &b }}

func (q *queue) len() int      { return len(q.buf) - q.head }
func (q *queue) bytes() []byte { return q.buf[q.head:] }

// push adds the frames in p, of which the first n bytes are written already.
func (q *queue) push(p []byte, n int) {
	if q.buf == nil {
		q.buf = (*writeBufs.Get().(*[]byte))[:0]
	}
	if q.head > 0 && len(q.buf)+len(p)-n > cap(q.buf) {
		copy(q.buf, q.buf[q.head:])
		q.buf = q.buf[:len(q.buf)-q.head]
		q.next -= q.head
		q.head = 0
	}
	if n > 0 { // the queue was empty: what is pushed may begin within a frame
		at := 0
		for at < n {
			at += hub.FrameLen(p[at:])
		}
		q.next = len(q.buf) + at - n
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
	for q.next < q.head {
		q.next += hub.FrameLen(q.buf[q.next:])
	}
}

// reset forgets everything and gives the buffer back.
func (q *queue) reset() {
	if b := q.buf; b != nil && cap(b) <= keepBuf {
		b = b[:0]
		writeBufs.Put(&b)
	}
	*q = queue{}
}

// take empties the queue into a slice that the caller owns.
func (q *queue) take() []byte {
	b := q.bytes()
	*q = queue{}
	return b
}

// dropOldest removes the oldest data frames of which nothing is written,
// until n bytes are free. Control frames stay.
func (q *queue) dropOldest(n int) (frames int) {
	w, freed := q.next, 0
	for at := q.next; at < len(q.buf); {
		k := hub.FrameLen(q.buf[at:])
		if freed < n && q.buf[at]&0x0f < opClose {
			freed += k
			frames++
		} else {
			copy(q.buf[w:], q.buf[at:at+k])
			w += k
		}
		at += k
	}
	q.buf = q.buf[:w]
	return frames
}
