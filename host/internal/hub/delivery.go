package hub

import (
	"sync"
	"time"
)

// flushAt is the size in bytes at which a batch is flushed before the end of
// an outbox.
const flushAt = 32 << 10

// maxRounds is how many batches one goroutine delivers in a row while others
// wait to deliver.
const maxRounds = 4

// Bounds of the buffers that a room keeps for later batches. Small means less
// than smallRoom members.
const (
	smallRoom       = 64
	smallRoomBuffer = 1 << 10
	maxBuffer       = 2 * flushAt
)

// flush delivers the batch, or has the goroutine that delivers now deliver it
// next. It waits for that goroutine to stop, and then delivers, if the batch is
// full or that goroutine is to hand over.
func (r *Room) flush() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delivering {
		r.flushAgain = true
		if !r.batch.full() && !r.handOver {
			return
		}
		r.waitIdle()
	}
	r.deliver()
}

// drain delivers everything that was sent before the call.
func (r *Room) drain() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.delivering {
		r.waitIdle()
	}
	r.deliver()
}

// waitIdle waits until no goroutine delivers; mu is held, but not meanwhile. A
// goroutine that returns from it has to deliver, or else to signal idle.
func (r *Room) waitIdle() {
	if r.idle == nil {
		r.idle = sync.NewCond(&r.mu)
	}
	r.waiting++
	for r.delivering {
		r.idle.Wait()
	}
	r.waiting--
}

// deliver delivers the batch, and the next ones that others have flushed
// meanwhile. mu is held, but not while frames go to sinks.
func (r *Room) deliver() {
	r.delivering = true
	for round := 0; !r.batch.empty(); round++ {
		b, members := r.batch, r.memberships
		r.batch, r.flushAgain, r.shared = batch{buf: r.spare}, false, true
		r.spare = nil
		r.mu.Unlock()
		start := time.Now()
		frames, bytes := b.deliver(members)
		r.report(Flush{Members: len(members), Frames: b.frames, Duration: time.Since(start)}, frames, bytes)
		r.mu.Lock()
		r.reuse(&b, len(members))
		if r.waiting > 0 && round >= maxRounds || !r.flushAgain && !r.batch.full() {
			break
		}
		r.handOver = round >= maxRounds
	}
	r.shared, r.handOver = false, false
	r.delivering = false
	if r.batch.empty() {
		r.markIdle()
	}
	if r.waiting > 0 {
		r.idle.Signal()
	}
}

// markIdle clears busy and frees buffers; mu is held.
func (r *Room) markIdle() {
	if r.busy { // deliverAndRemove may have delivered all
		r.busy = false
		r.hub.busyRooms.Add(-1)
	}
	r.batch.buf = nil
	if cap(r.spare) > smallRoomBuffer && len(r.memberships) < smallRoom {
		r.spare = nil
	}
}

// reuse keeps the buffers of a delivered batch for later ones; mu is held.
func (r *Room) reuse(b *batch, members int) {
	if r.spare == nil && cap(b.buf) <= maxBuffer {
		r.spare = b.buf[:0]
	}
	if r.batch.overrides == nil {
		r.batch.overrides = b.reusableOverrides(members)
	}
}

// report calls the callbacks of Options. frames and bytes are sums over all
// members.
func (r *Room) report(f Flush, frames, bytes int) {
	if r.hub.opts.Flushed != nil && f.Frames > 0 {
		r.hub.opts.Flushed(f)
	}
	if r.hub.opts.Sent != nil {
		r.hub.opts.Sent(frames, bytes)
	}
}
