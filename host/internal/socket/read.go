package socket

import (
	"context"
	"io"
	"net"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
)

// portableBuf is the size of the read buffer of a connection without a
// descriptor of ours, which needs it while it waits.
const portableBuf = 2 << 10

var readBufs = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}
var messageBufs = sync.Pool{New: func() any { b := make([]byte, 1<<10); return &b }}

// serve reads until the end.
func (c *Conn) serve() {
	for c.readMessage() {
	}
	c.finish()
}

// readMessage waits for a message and handles it. A plain one, a whole frame
// that is all here, is handled where it lies; everything else goes to the library.
func (c *Conn) readMessage() bool {
	if len(c.rest) == 0 && c.lib.Buffered() == 0 {
		if err := c.more(); err != nil {
			return false
		}
	}
	if kind, p, n := c.plain(); n > 0 {
		ok := c.handle(kind, p)
		c.consume(n)
		return ok
	}
	return c.readByLibrary()
}

// readByLibrary has the library parse: fragments, control frames, and
// messages that are not all here.
func (c *Conn) readByLibrary() bool {
	typ, r, err := c.ws.Reader(context.Background())
	if err != nil {
		c.libraryEnded(err)
		return false
	}
	buf := messageBufs.Get().(*[]byte)
	n, err := readAll(r, buf)
	if err != nil {
		c.libraryEnded(err)
	}
	ok := err == nil && c.handle(abi.Kind(typ), (*buf)[:n])
	if cap(*buf) <= keepBuf {
		messageBufs.Put(buf)
	}
	return ok
}

// handle gives a message to the handler, unless a close frame is out already.
func (c *Conn) handle(kind abi.Kind, p []byte) bool {
	if c.closeBy.Load() != 0 {
		return true
	}
	if c.tooFast() {
		c.bad = &violation{codePolicy, "too many messages", BrokeMessages}
		return false
	}
	if kind == abi.Text && !utf8.Valid(p) {
		c.bad = &violation{codeNotUTF8, "text is not UTF-8", BrokeUTF8}
		return false
	}
	c.handler.OnMessage(kind, p)
	return true
}

// readAll reads one message into *buf, which may grow.
func readAll(r io.Reader, buf *[]byte) (n int, err error) {
	for {
		if n == len(*buf) {
			b := make([]byte, 2*len(*buf))
			copy(b, *buf)
			*buf = b
		}
		k, err := r.Read((*buf)[n:])
		n += k
		if err == io.EOF {
			return n, nil
		}
		if err != nil {
			return n, err
		}
	}
}

// Read is what the library calls: it hands out what is here, and ends the
// turn before it waits for more.
func (c *Conn) Read(p []byte) (int, error) {
	if len(c.rest) == 0 {
		if err := c.more(); err != nil {
			return 0, err
		}
	}
	n := copy(p, c.rest)
	c.consume(n)
	return n, nil
}

// more ends the turn, waits for input and begins another. It returns nil when
// there is input that breaks no rule.
func (c *Conn) more() error {
	if c.bad != nil {
		return c.bad
	}
	c.endTurn()
	if err := c.fill(); err != nil {
		return err
	}
	c.beginTurn()
	if len(c.rest) == 0 {
		return c.bad
	}
	return nil
}

// consume takes n bytes from rest.
func (c *Conn) consume(n int) {
	if c.rest = c.rest[n:]; len(c.rest) == 0 && c.fast {
		readBufs.Put(c.in)
		c.in, c.rest = nil, nil
	}
}

// endTurn lets everything go out before the reader waits.
func (c *Conn) endTurn() {
	if !c.lingering {
		c.handler.OnDrained()
		if !c.scan.idle() && c.partial.Load() == 0 {
			c.partial.Store(c.group.now())
		}
	}
	c.uncork()
}

// beginTurn looks at new input before the library does.
func (c *Conn) beginTurn() {
	if c.lingering {
		return
	}
	c.cork()
	now := c.group.now()
	if now-c.second >= int64(time.Second) {
		c.second, c.scan.controls = now, 0
	}
	var good int
	good, c.bad = c.scan.scan(c.rest)
	c.rest = c.rest[:good]
	if (c.scan.fresh || c.scan.idle()) && c.partial.Load() != 0 {
		c.partial.Store(0)
	}
}

// fill waits for input and sets rest.
func (c *Conn) fill() error {
	if !c.fast {
		return c.fillPortable()
	}
	c.waited, c.readErr = false, nil
	if err := c.fd.waitRead(c.tryReadFn); err != nil {
		return err
	}
	if c.readErr != nil {
		return c.readErr
	}
	if c.waited {
		c.hot = 0
	} else if c.hot++; c.hot >= hotReads {
		c.hot = 0
		c.group.fair.yield()
	}
	return nil
}

// tryRead reads into a borrowed buffer; false means wait.
func (c *Conn) tryRead(n uintptr) bool {
	buf := readBufs.Get().(*[]byte)
	k, err := c.fd.read(n, *buf)
	if err == nil {
		c.in, c.rest = buf, (*buf)[:k]
		return true
	}
	readBufs.Put(buf)
	if err == errWait {
		c.waited = true
		return false
	}
	c.readErr = err
	return true
}

func (c *Conn) fillPortable() error {
	if c.in == nil {
		b := make([]byte, portableBuf)
		c.in = &b
	}
	n, err := c.net.Read(*c.in)
	c.rest = (*c.in)[:n]
	if n > 0 {
		return nil
	}
	return err
}

// readOnly hides Conn's other methods from io.Copy.
type readOnly struct{ c *Conn }

func (r readOnly) Read(p []byte) (int, error) { return r.c.Read(p) }

// netConn is Conn as the library sees it.
type netConn struct{ *Conn }

// Close does nothing: the library closes as soon as it has answered a close
// frame, and what waits before that answer has to go out first. finish closes.
func (n netConn) Close() error                     { return nil }
func (n netConn) LocalAddr() net.Addr              { return n.net.LocalAddr() }
func (n netConn) RemoteAddr() net.Addr             { return n.net.RemoteAddr() }
func (n netConn) SetDeadline(time.Time) error      { return nil }
func (n netConn) SetReadDeadline(time.Time) error  { return nil }
func (n netConn) SetWriteDeadline(time.Time) error { return nil }
