package socket

import (
	"net"
	"time"
	"unicode/utf8"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host/internal/frame"
)

// libraryConn is the net.Conn that the library has of a connection. It reads
// input that scan has checked. It writes control frames into the queue.
type libraryConn struct{ c *Conn }

// Read returns scanned input. It ends the read cycle before it waits for more.
func (l libraryConn) Read(p []byte) (int, error) {
	c := l.c
	if len(c.rest) == 0 {
		if err := c.waitInput(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.consume(n)
	return n, nil
}

// Write takes one whole control frame (see libraryWriteBuf). The library writes
// nothing else.
func (l libraryConn) Write(p []byte) (int, error) {
	c := l.c
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.dead != nil:
		return 0, c.dead
	case c.closing: // the library echoes the answer to a close frame of the host
	case len(p) >= 2 && frame.Opcode(p) == frame.OpClose:
		c.closeByLibrary(frame.Payload(p))
	default:
		c.put(p)
	}
	return len(p), nil
}

// Close does nothing. The library closes as soon as it has answered a close
// frame, when frames may still be queued before the answer. finish closes.
func (l libraryConn) Close() error { return nil }

func (l libraryConn) LocalAddr() net.Addr              { return l.c.net.LocalAddr() }
func (l libraryConn) RemoteAddr() net.Addr             { return l.c.net.RemoteAddr() }
func (l libraryConn) SetDeadline(time.Time) error      { return nil }
func (l libraryConn) SetReadDeadline(time.Time) error  { return nil }
func (l libraryConn) SetWriteDeadline(time.Time) error { return nil }

// closeByLibrary sends the close frame whose payload the library has chosen: the
// echo of the client's, or an error. The library does not check that the reason
// is UTF-8, which RFC 6455, section 8.1 demands. mu is held.
func (c *Conn) closeByLibrary(p []byte) {
	s := closeStatus{code: codeNoStatus}
	if len(p) >= 2 {
		s = closeStatus{int(p[0])<<8 | int(p[1]), string(p[2:])}
	}
	if !utf8.ValidString(s.reason) {
		s = closeStatus{codeNotUTF8, "close reason is not UTF-8"}
		c.group.countViolation(BrokeUTF8)
	}
	c.libraryClosed = true
	c.sendClose(s)
}

// libraryEnded records why the library reads no more. A close frame that it has
// sent without getting one says that the client broke a rule that scan does not
// check.
func (c *Conn) libraryEnded(err error) {
	c.peerClosed = websocket.CloseStatus(err) != -1
	if c.libraryClosed && !c.peerClosed {
		c.group.countViolation(BrokeProtocol)
	}
}
