package socket

import (
	"io"
	"net"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// lingerBytes is how much is read and thrown away after a close frame, so
// that the client gets to see it: closing a socket with unread input resets it.
const lingerBytes = 1 << 20

// Close sends a close frame behind everything that was delivered, and leaves
// the rest to the closing handshake, which is bounded by Timeouts.Close. Only
// the first close counts. The reason is valid UTF-8 of at most 123 bytes.
func (c *Conn) Close(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil || c.closing {
		return
	}
	c.sendClose(code, reason)
}

// Abort ends the connection without a closing handshake.
func (c *Conn) Abort(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.closing, c.code, c.reason = true, code, reason
	}
	if c.dead == nil {
		c.die(net.ErrClosed)
	}
}

// sendClose queues a close frame; mu is held. Nothing follows it.
func (c *Conn) sendClose(code int, reason string) {
	var b [127]byte
	f := hub.AppendHeader(b[:0], opClose, 2+len(reason))
	if code == codeNoStatus {
		f = hub.AppendHeader(b[:0], opClose, 0)
	} else {
		f = append(append(f, byte(code>>8), byte(code)), reason...)
	}
	c.put(f)
	c.closing, c.code, c.reason = true, code, reason
	c.closeBy.Store(c.group.now() + int64(c.group.timeouts.Close))
}

// finish is the end of the reader: it tells the handler, lets the client see
// the close frame, and closes.
func (c *Conn) finish() {
	c.handler.OnDrained()
	if c.bad != nil {
		c.Close(c.bad.code, c.bad.reason)
	}
	c.uncork()
	c.mu.Lock()
	if !c.closing {
		c.closing, c.code = true, codeAbnormal
	}
	code, reason, dead := c.code, c.reason, c.dead
	c.mu.Unlock()
	c.handler.OnClosed(code, reason)
	if dead == nil && !c.peerClosed && code != codeAbnormal {
		c.linger()
	}
	_ = c.ws.CloseNow()
	c.closeNet()
	c.release()
}

// linger waits for the end of the client's side, throwing away what comes.
func (c *Conn) linger() {
	if c.fast {
		c.mu.Lock()
		waiting := c.flushing
		c.mu.Unlock()
		if !waiting {
			c.fd.shutdownWrite()
		}
	}
	c.lingering = true
	c.rest, c.bad = nil, nil
	_, _ = io.CopyN(io.Discard, readOnly{c}, lingerBytes)
}

// release gives back what was borrowed, when nobody reads any more.
func (c *Conn) release() {
	if c.in != nil {
		readBufs.Put(c.in)
		c.in, c.rest = nil, nil
	}
	c.group.remove(c)
}

// closeNet closes the socket. It marks the connection dead before the
// descriptor goes away, so that a broadcast never writes to a descriptor that
// was given to someone else.
func (c *Conn) closeNet() {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead == nil {
		c.dead = net.ErrClosed
		c.queue.reset()
	}
	_ = c.net.Close()
}
