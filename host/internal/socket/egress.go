package socket

import "net"

// corkLimit is how many bytes are held back during a read cycle.
const corkLimit = 32 << 10

// Deliver writes or queues whole frames. It never blocks and does not keep p.
func (c *Conn) Deliver(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil || c.closing {
		c.group.countDrops(DropClosed, unsentData(p, 0))
		return
	}
	c.put(p)
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
	if !c.direct {
		c.enqueue(p, 0)
		c.drain()
		return
	}
	n, err := c.fd.write(p)
	if err != nil {
		c.group.countDrops(DropClosed, unsentData(p, n))
		c.die(err)
		return
	}
	if n < len(p) {
		c.enqueue(p, n)
		c.drain()
	}
}

// enqueue queues the frames in p, of which n bytes are written already. If they
// exceed MaxQueue it drops the oldest frames or closes the connection. mu is held.
func (c *Conn) enqueue(p []byte, n int) {
	excess, err := c.excess(len(p) - n)
	if err != nil {
		c.group.countDrops(DropClosed, unsentData(p, n))
		c.die(err)
		return
	}
	if excess > 0 && !c.opts.DropOldest {
		c.closeSlowReader(p)
		return
	}
	c.queue.push(p, n)
	if excess > 0 {
		// Drop more than necessary, so that not every frame searches the queue.
		limit := c.opts.maxQueue()
		c.group.countDrops(DropOldest, c.queue.dropOldest(max(excess, limit/8), c.v1))
		if c.queue.unbegun() > limit { // control frames, whose answers the client does not read
			c.closeSlowReader(nil)
		}
	}
}

// excess returns by how many bytes n more would exceed MaxQueue, 0 or less if
// they do not; mu is held.
func (c *Conn) excess(n int) (int, error) {
	limit := c.opts.maxQueue()
	over := c.queue.len() + c.inFlight + n - limit
	if over > 0 && c.direct && c.queue.len() > 0 {
		// The socket may have space again that the flusher has not noticed.
		k, err := c.fd.write(c.queue.bytes())
		if k > 0 && c.flushing {
			c.noteProgress()
		}
		c.queue.wrote(k)
		if err != nil {
			return 0, err
		}
		over -= k
	}
	switch {
	case c.closing: // a close frame, the last frame of all
		return 0, nil
	case c.queue.len()+c.inFlight <= min(corkLimit, limit/2):
		// Little is queued: the message is large, but the client is not slow.
		return 0, nil
	}
	return over, nil
}

// closeSlowReader closes a connection whose queue is full. p, which is not
// queued, exceeds it. The close frame follows the frame that is partly written,
// so that a client that reads on learns the reason. One that does not is cut off
// after Timeouts.Close. mu is held.
func (c *Conn) closeSlowReader(p []byte) {
	c.group.countDrops(DropSlowReader, c.queue.truncate()+unsentData(p, 0))
	c.sendClose(closeStatus{codePolicy, "slow reader"})
}

// nonBlockingWriter is implemented by a net.Conn whose Write never blocks, such
// as one in memory. It needs no flusher.
type nonBlockingWriter interface{ WriteNeverBlocks() }

// drain writes as much of the queue as the socket takes, and leaves the rest to a
// flusher; mu is held.
func (c *Conn) drain() {
	if c.flushing || !c.attached || c.queue.len() == 0 || c.dead != nil {
		return
	}
	if c.direct || c.nonBlocking {
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
	if c.direct {
		c.group.wait.Go(c.flush)
	} else {
		c.group.wait.Go(c.flushPortable)
	}
}

// writeNow writes without blocking.
func (c *Conn) writeNow(p []byte) (int, error) {
	if c.direct {
		return c.fd.write(p)
	}
	return c.net.Write(p)
}

// cork holds output back until uncork, up to corkLimit. It is called with new
// input, which is a sign of life.
func (c *Conn) cork() {
	c.mu.Lock()
	c.corked = true
	c.pongDue.Store(0)
	c.mu.Unlock()
}

// uncork writes what was held back, and then a pending close frame.
func (c *Conn) uncork() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.corked = false
	if s := c.pendingClose; s != nil && c.dead == nil && !c.closing {
		c.sendClose(*s)
	}
	c.drain()
}

// attach sets the socket. The connection stays corked: what is queued goes out
// with the first uncork, after the answer to the handshake.
func (c *Conn) attach(n net.Conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.net = n
	c.fd, c.direct = openFD(n)
	_, c.nonBlocking = n.(nonBlockingWriter)
	c.attached, c.corked = true, true
	c.tryReadFn = c.tryRead
	if c.dead != nil {
		c.shutdown() // it was aborted before it had a socket
	}
}
