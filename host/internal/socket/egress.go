package socket

import (
	"errors"
	"net"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// corkLimit is how many bytes are held back while the reader is busy.
const corkLimit = 32 << 10

var errWait = errors.New("nothing to read now")

// Deliver puts whole frames on the wire, or in the queue. It never blocks and
// does not keep p.
func (c *Conn) Deliver(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil || c.closing {
		c.group.drop(DropClosed, unsent(p, 0))
		return
	}
	c.put(p)
}

// Write is what the library calls, with control frames only: its buffer holds
// a whole one, so that it never writes a part.
func (c *Conn) Write(p []byte) (int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil {
		return 0, c.dead
	}
	if c.closing {
		return len(p), nil // the answer to a close frame that we sent
	}
	if len(p) >= 2 && frame.Opcode(p) == frame.OpClose {
		c.closeByLibrary(p[2:])
		return len(p), nil
	}
	c.put(p)
	return len(p), nil
}

// put writes or queues frames; mu is held.
func (c *Conn) put(p []byte) {
	if c.queue.len() > 0 || c.corked || !c.attached || c.flushing {
		c.enqueue(p, 0)
		if !c.corked || c.queue.len() > corkLimit {
			c.drain()
		}
		return
	}
	if !c.fast {
		c.enqueue(p, 0)
		c.drain()
		return
	}
	n, err := c.fd.write(p)
	if err != nil {
		c.group.drop(DropClosed, unsent(p, n))
		c.die(err)
		return
	}
	if n < len(p) {
		c.enqueue(p, n)
		c.drain()
	}
}

// enqueue adds frames of which n bytes are written already, and keeps the
// bound; mu is held.
func (c *Conn) enqueue(p []byte, n int) {
	over, err := c.over(len(p) - n)
	if err != nil {
		c.group.drop(DropClosed, unsent(p, n))
		c.die(err)
		return
	}
	if over > 0 && !c.opts.DropOldest {
		c.slow(p)
		return
	}
	c.queue.push(p, n)
	if over > 0 {
		// More than it takes, so that the queue is not gone through for each frame.
		limit := c.opts.maxQueue()
		c.group.drop(DropOldest, c.queue.dropOldest(max(over, limit/8), c.spoken))
		if c.queue.unbegun() > limit { // control frames: answers that the client does not take
			c.slow(nil)
		}
	}
}

// over says how many bytes too many wait with n more; mu is held.
func (c *Conn) over(n int) (int, error) {
	limit := c.opts.maxQueue()
	over := c.queue.len() + c.inflight + n - limit
	if over > 0 && c.fast && c.queue.len() > 0 {
		// The socket may have room again that the flusher has not seen yet.
		k, err := c.fd.write(c.queue.bytes())
		if k > 0 && c.flushing {
			c.progress()
		}
		c.queue.wrote(k)
		if err != nil {
			return 0, err
		}
		over -= k
	}
	switch {
	case c.closing: // a close frame, the last of all
		return 0, nil
	case c.queue.len()+c.inflight <= min(corkLimit, limit/2):
		// Next to nothing waits: the message is large, and not the client slow.
		return 0, nil
	}
	return over, nil
}

// slow ends a connection that does not read, at which p was one too many; mu is
// held. A close frame follows the frame that has begun: who reads on sees why it
// ends, who does not is cut when Timeouts.Close is over.
func (c *Conn) slow(p []byte) {
	c.group.drop(DropSlowReader, c.queue.cut()+unsent(p, 0))
	c.sendClose(codePolicy, "slow reader")
}

// drain writes the queue as far as the socket takes it; mu is held.
func (c *Conn) drain() {
	if c.flushing || !c.attached || c.queue.len() == 0 || c.dead != nil {
		return
	}
	if c.fast || c.atOnce {
		n, err := c.writeNow(c.queue.bytes())
		c.queue.wrote(n)
		if err != nil {
			c.die(err)
			return
		}
		if c.queue.len() == 0 {
			return
		}
	}
	c.flushing = true
	if c.fast {
		c.group.wait.Go(c.flush)
	} else {
		c.group.wait.Go(c.flushPortable)
	}
}

// neverWaits is what a net.Conn has whose Write returns at once, such as one in
// memory. It is written to without a goroutine.
type neverWaits interface{ NeverWaits() }

// writeNow writes what can be written without waiting.
func (c *Conn) writeNow(p []byte) (int, error) {
	if c.fast {
		return c.fd.write(p)
	}
	return c.net.Write(p)
}

// flush waits until the socket takes the queue. It lives as long as there is one.
func (c *Conn) flush() {
	err := c.fd.waitWrite(func(uintptr) bool {
		c.mu.Lock()
		defer c.mu.Unlock()
		if c.dead != nil {
			return true
		}
		n, err := c.fd.write(c.queue.bytes())
		c.queue.wrote(n)
		if err != nil {
			c.die(err)
			return true
		}
		if n > 0 {
			c.progress()
		}
		return c.queue.len() == 0
	})
	c.mu.Lock()
	defer c.mu.Unlock()
	c.flushing = false
	if err != nil && c.dead == nil {
		c.die(err)
	}
	c.drain()
	c.endFlush()
}

// endFlush tells the one who waits for the end of flushing; mu is held.
func (c *Conn) endFlush() {
	if !c.flushing && c.flushed != nil {
		close(c.flushed)
		c.flushed = nil
	}
}

// flushPortable is flush for connections without a descriptor of ours.
func (c *Conn) flushPortable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var buf []byte
	for c.queue.len() > 0 && c.dead == nil {
		buf = c.queue.take(buf[:0], takeAt)
		c.writeOut(buf)
	}
	c.flushing = false
	c.endFlush()
}

// writeOut writes what flushPortable has taken, a large frame in pieces, so
// that it is seen when the client reads a part. mu is held, but not meanwhile.
func (c *Conn) writeOut(p []byte) {
	defer func() { c.inflight = 0 }()
	for at := 0; at < len(p); {
		c.inflight = len(p) - at
		before := c.group.now()
		c.mu.Unlock()
		n, err := c.net.Write(p[at:min(len(p), at+takeAt)])
		c.mu.Lock()
		at += n
		if err != nil {
			c.group.drop(DropClosed, unsent(p, at))
			if c.dead == nil {
				c.die(err)
			}
			return
		}
		// That a write ends says nothing about the client while there is room in
		// the socket. One that a tick found waiting had to wait for the client.
		if c.group.now() != before {
			c.progress()
		}
	}
}

// progress notes that a socket that was full has taken more: the client reads,
// and what it was asked for may still be on its way to it. mu is held.
func (c *Conn) progress() {
	if c.pongDue.Load() != 0 {
		c.pongDue.Store(c.group.now())
	}
}

// die marks the connection as unusable and wakes the reader; mu is held.
func (c *Conn) die(err error) {
	c.dead = err
	c.forget()
	c.abort()
}

// forget gives up what waits; mu is held.
func (c *Conn) forget() {
	c.group.drop(DropClosed, c.queue.lost())
	c.queue.reset()
}

// abort ends the socket's traffic without closing the descriptor, which the
// reader does.
func (c *Conn) abort() {
	switch {
	case c.fast:
		c.fd.shutdown()
	case c.attached:
		_ = c.net.SetDeadline(time.Unix(1, 0))
	}
}

// cork holds writes back until uncork, or corkLimit. There is input, which is a
// sign of life.
func (c *Conn) cork() {
	c.mu.Lock()
	c.corked = true
	c.pongDue.Store(0)
	c.mu.Unlock()
}

func (c *Conn) uncork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	if f := c.farewell; f != nil && c.dead == nil && !c.closing {
		c.sendClose(f.code, f.reason)
	}
	c.drain()
}

// attach gives the connection its socket. It stays corked: what waits goes
// out with the first uncork, behind the answer to the handshake.
func (c *Conn) attach(n net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.net = n
	c.fd, c.fast = openFD(n)
	_, c.atOnce = n.(neverWaits)
	c.attached, c.corked = true, true
	c.tryReadFn = c.tryRead
	if c.dead != nil {
		c.abort() // it ended before it had a socket
	}
}
