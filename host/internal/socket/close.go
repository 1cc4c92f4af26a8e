package socket

import (
	"io"
	"net"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// Close codes that the host sends or reports (RFC 6455, section 7.4.1).
const (
	codeNormal    = 1000
	codeGoingAway = 1001
	codeProtocol  = 1002
	codeNoStatus  = 1005 // reported only: the close frame has no code
	codeAbnormal  = 1006 // reported only: there was no close frame
	codeNotUTF8   = 1007
	codePolicy    = 1008
	codeTooBig    = 1009
)

// lingerBytes is how many bytes are read and discarded after a close frame.
// Closing a TCP socket with unread input resets it, and the client may then lose
// the close frame.
const lingerBytes = 1 << 20

// Close sends a close frame behind everything that was delivered. The closing
// handshake has Timeouts.Close. Only the first close of a connection counts.
// reason is valid UTF-8 of at most 123 bytes (RFC 6455, section 5.5).
func (c *Conn) Close(code int, reason string) {
	c.tryClose(closeStatus{code, reason})
}

// tryClose is Close. It returns false if the connection is closing already.
func (c *Conn) tryClose(s closeStatus) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil || c.closing {
		return false
	}
	c.sendClose(s)
	return true
}

// CloseAfterInput is Close at the end of the read cycle that runs now, if there
// is one: the answers to the input of that cycle go out before the close frame.
func (c *Conn) CloseAfterInput(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead != nil || c.closing || c.pendingClose != nil:
	case c.attached && c.corked:
		c.pendingClose = &closeStatus{code, reason}
	default:
		c.sendClose(closeStatus{code, reason})
	}
}

// abort ends the connection without a closing handshake.
func (c *Conn) abort(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.closing {
		c.closing, c.status = true, closeStatus{code, reason}
	}
	if c.dead == nil {
		c.die(net.ErrClosed)
	}
}

// sendClose queues a close frame, even if the queue is full; mu is held. No frame
// follows it.
func (c *Conn) sendClose(s closeStatus) {
	var b [127]byte
	f := frame.AppendHeader(b[:0], frame.OpClose, 2+len(s.reason))
	if s.code == codeNoStatus {
		f = frame.AppendHeader(b[:0], frame.OpClose, 0)
	} else {
		f = append(append(f, byte(s.code>>8), byte(s.code)), s.reason...)
	}
	c.closing, c.status = true, s
	c.closeBy.Store(c.group.now() + int64(c.group.timeouts.Close))
	c.put(f)
}

// die marks the connection as dead, drops the queue, and wakes the reader; mu is
// held.
func (c *Conn) die(err error) {
	c.dead = err
	c.dropQueue()
	c.shutdown()
}

// dropQueue empties the queue; mu is held.
func (c *Conn) dropQueue() {
	c.group.countDrops(DropClosed, c.queue.lost())
	c.queue.reset()
}

// shutdown ends reads and writes on the socket. The reader closes it later.
func (c *Conn) shutdown() {
	switch {
	case c.direct:
		c.fd.shutdown()
	case c.attached:
		_ = c.net.SetDeadline(time.Unix(1, 0))
	}
}

// finish is the end of the reader. It calls the handler, gives the client time to
// get the close frame, and closes the socket.
func (c *Conn) finish() {
	c.handler.OnDrained()
	if v := c.bad; v != nil && c.tryClose(closeStatus{v.code, v.reason}) {
		c.group.countViolation(v.kind) // not counted if another close came first
	}
	c.uncork()
	c.mu.Lock()
	if !c.closing {
		c.closing, c.status = true, closeStatus{code: codeAbnormal}
	}
	status, dead := c.status, c.dead
	c.mu.Unlock()
	c.handler.OnClosed(status.code, status.reason)
	if dead == nil && status.code != codeAbnormal {
		if c.awaitFlush() && !c.peerClosed {
			c.linger()
		}
	}
	_ = c.ws.CloseNow()
	c.closeSocket()
	c.handler.OnReleased()
	c.release()
}

// linger ends the output and discards input until the client ends its side, or
// lingerBytes were read. Timeouts.Close bounds it.
func (c *Conn) linger() {
	if c.direct {
		c.fd.shutdownWrite()
	} else if w, ok := c.net.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
	c.lingering = true
	c.rest, c.bad = nil, nil
	_, _ = io.CopyN(io.Discard, libraryConn{c}, lingerBytes)
}

// release returns the read buffer, and removes the connection from the group. The
// reader calls it last.
func (c *Conn) release() {
	if c.in != nil && c.direct {
		readBufs.Put(c.in)
	}
	c.in, c.rest = nil, nil
	c.group.remove(c)
}

// closeSocket closes the socket. It marks the connection as dead first: a
// descriptor that the system has reused must not be written to. It closes
// without mu, since closing waits for a flusher that may be about to lock mu.
func (c *Conn) closeSocket() {
	c.mu.Lock()
	aborted := c.dead != nil
	if !aborted {
		c.dead = net.ErrClosed
		c.dropQueue()
	}
	c.mu.Unlock()
	n := c.net
	if t, ok := n.(interface{ NetConn() net.Conn }); ok && aborted {
		n = t.NetConn() // the close_notify of TLS would wait for a client that does not read
	}
	_ = n.Close()
}
