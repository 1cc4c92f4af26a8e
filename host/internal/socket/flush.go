package socket

// flush is the flusher of a direct connection. It waits until the socket has
// taken the whole queue.
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
			c.noteProgress()
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
	c.signalFlushed()
}

// flushPortable is the flusher of a connection that is not direct. Its writes
// block.
func (c *Conn) flushPortable() {
	c.mu.Lock()
	defer c.mu.Unlock()
	var buf []byte
	for c.queue.len() > 0 && c.dead == nil {
		buf = c.queue.take(buf[:0], flushChunk)
		c.writeBlocking(buf)
	}
	c.flushing = false
	c.signalFlushed()
}

// writeBlocking writes frames that flushPortable has taken. It splits a large
// frame, in order to notice that the client reads a part of it. mu is held, but
// not during a write.
func (c *Conn) writeBlocking(p []byte) {
	defer func() { c.inFlight = 0 }()
	for at := 0; at < len(p); {
		c.inFlight = len(p) - at
		before := c.group.now()
		c.mu.Unlock()
		n, err := c.net.Write(p[at:min(len(p), at+flushChunk)])
		c.mu.Lock()
		at += n
		if err != nil {
			c.group.countDrops(DropClosed, unsentData(p, at))
			if c.dead == nil {
				c.die(err)
			}
			return
		}
		// A write that ends at once says nothing about the client: the socket had
		// space. One that lasted over a tick of the clock has waited for the client.
		if c.group.now() != before {
			c.noteProgress()
		}
	}
}

// noteProgress records that a socket that was full has taken more. The client
// reads, and a ping may still be on its way to it. The time for the answer
// therefore begins anew. mu is held.
func (c *Conn) noteProgress() {
	if c.pongDue.Load() != 0 {
		c.pongDue.Store(c.group.now())
	}
}

// signalFlushed wakes awaitFlush at the end of a flusher; mu is held.
func (c *Conn) signalFlushed() {
	if !c.flushing && c.flushed != nil {
		close(c.flushed)
		c.flushed = nil
	}
}

// awaitFlush waits until the close frame, and what is queued before it, has been
// written. It returns false if the connection died before, of Timeouts.Close or
// an error.
func (c *Conn) awaitFlush() bool {
	c.mu.Lock()
	var flushed chan struct{}
	if c.flushing {
		flushed = make(chan struct{})
		c.flushed = flushed
	}
	c.mu.Unlock()
	if flushed != nil {
		<-flushed
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.dead == nil
}
