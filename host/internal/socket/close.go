package socket

import (
	"io"
	"net"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/coder/websocket"
)

// lingerBytes is how much is read and thrown away after a close frame, so
// that the client gets to see it: closing a socket with unread input resets it.
const lingerBytes = 1 << 20

// Close sends a close frame behind everything that was delivered, and leaves
// the rest to the closing handshake, which is bounded by Timeouts.Close. Only
// the first close counts. The reason is valid UTF-8 of at most 123 bytes.
func (c *Conn) Close(code int, reason string) {
	c.tryClose(code, reason)
}

// tryClose is Close that says whether it was the first.
func (c *Conn) tryClose(code int, reason string) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.dead != nil || c.closing {
		return false
	}
	c.sendClose(code, reason)
	return true
}

// closeByLibrary sends the close frame of which the library says the payload: the
// echo of the client's, or an error. The library does not look at the reason's
// encoding, which has to be UTF-8 (RFC 6455, section 8.1).
func (c *Conn) closeByLibrary(p []byte) {
	code, reason := codeNoStatus, ""
	if len(p) >= 2 {
		code, reason = int(p[0])<<8|int(p[1]), string(p[2:])
	}
	if !utf8.ValidString(reason) {
		code, reason = codeNotUTF8, "close reason is not UTF-8"
		c.group.broke(BrokeUTF8)
	}
	c.saidClose = true
	c.sendClose(code, reason)
}

// libraryEnded takes in why the library reads no more. A close frame of its own,
// which echoes none, says that the client broke a rule that scan does not know.
func (c *Conn) libraryEnded(err error) {
	c.peerClosed = websocket.CloseStatus(err) != -1
	if c.saidClose && !c.peerClosed {
		c.group.broke(BrokeProtocol)
	}
}

// farewell is a close that waits for the end of the reader's turn.
type farewell struct {
	code   int
	reason string
}

// CloseAfterInput is Close that lets the reader first handle the input that it
// has, so that what the handler answers to it goes out before the close frame.
func (c *Conn) CloseAfterInput(code int, reason string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead != nil || c.closing || c.farewell != nil:
	case c.attached && c.corked:
		c.farewell = &farewell{code, reason}
	default:
		c.sendClose(code, reason)
	}
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

// sendClose queues a close frame, also where the queue is full; mu is held.
// Nothing follows it.
func (c *Conn) sendClose(code int, reason string) {
	var b [127]byte
	f := frame.AppendHeader(b[:0], frame.OpClose, 2+len(reason))
	if code == codeNoStatus {
		f = frame.AppendHeader(b[:0], frame.OpClose, 0)
	} else {
		f = append(append(f, byte(code>>8), byte(code)), reason...)
	}
	c.closing, c.code, c.reason = true, code, reason
	c.closeBy.Store(c.group.now() + int64(c.group.timeouts.Close))
	c.put(f)
}

// finish is the end of the reader: it tells the handler, lets the client see
// the close frame, and closes.
func (c *Conn) finish() {
	c.handler.OnDrained()
	if c.bad != nil && c.tryClose(c.bad.code, c.bad.reason) {
		c.group.broke(c.bad.kind) // else it is behind a close, and not why it ends
	}
	c.uncork()
	c.mu.Lock()
	if !c.closing {
		c.closing, c.code = true, codeAbnormal
	}
	code, reason, dead := c.code, c.reason, c.dead
	c.mu.Unlock()
	c.handler.OnClosed(code, reason)
	if dead == nil && code != codeAbnormal {
		if c.awaitFlush() && !c.peerClosed {
			c.linger()
		}
	}
	_ = c.ws.CloseNow()
	c.closeNet()
	c.handler.OnReleased()
	c.release()
}

// awaitFlush waits until the close frame, and what is before it, has gone
// out, or Timeouts.Close is over: then it returns false.
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

// linger tells the client that nothing more comes, and waits for the end of its
// side, throwing away what it sends.
func (c *Conn) linger() {
	if c.fast {
		c.fd.shutdownWrite()
	} else if w, ok := c.net.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
	c.lingering = true
	c.rest, c.bad = nil, nil
	_, _ = io.CopyN(io.Discard, readOnly{c}, lingerBytes)
}

// release gives back what was borrowed, when nobody reads any more.
func (c *Conn) release() {
	if c.in != nil && c.fast {
		readBufs.Put(c.in)
	}
	c.in, c.rest = nil, nil
	c.group.remove(c)
}

// closeNet closes the socket. It marks the connection dead before the
// descriptor goes away, so that a broadcast never writes to a descriptor that
// was given to someone else. It closes without the lock: Close waits for a
// flusher that may be about to take it.
func (c *Conn) closeNet() {
	c.mu.Lock()
	cut := c.dead != nil
	if !cut {
		c.dead = net.ErrClosed
		c.forget()
	}
	c.mu.Unlock()
	n := c.net
	if t, ok := n.(interface{ NetConn() net.Conn }); ok && cut {
		n = t.NetConn() // the goodbye of TLS would wait for a client that does not read
	}
	_ = n.Close()
}
