package socket

import (
	"context"
	"errors"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
)

// portableBuf is the size in bytes of the read buffer of a connection that is
// not direct. Such a connection keeps its buffer while it waits.
const portableBuf = 2 << 10

// errNoInput is the error of fd.read if it would block.
var errNoInput = errors.New("no input yet")

var readBufs = sync.Pool{New: func() any { b := make([]byte, 16<<10); return &b }}
var messageBufs = sync.Pool{New: func() any { b := make([]byte, 1<<10); return &b }}

// serve is the reader. It reads messages until the connection ends.
func (c *Conn) serve() {
	for c.readMessage() {
	}
	c.finish()
}

// readMessage waits for a message and handles it. It decodes a message in place
// if it is one frame and all of it is here. The library reads every other one.
// readMessage returns false at the end of the connection.
func (c *Conn) readMessage() bool {
	if len(c.rest) == 0 && c.libraryIn.Buffered() == 0 {
		if err := c.waitInput(); err != nil {
			return false
		}
	}
	if kind, p, n := c.decodeInPlace(); n > 0 {
		ok := c.handle(kind, p)
		c.consume(n)
		return ok
	}
	return c.readByLibrary()
}

// readByLibrary has the library read a message, and the control frames before it.
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

// handle passes a message to the handler, unless a close frame was sent. It
// returns false if the message breaks a rule.
func (c *Conn) handle(kind abi.Kind, p []byte) bool {
	if c.closeSent() {
		return true
	}
	if c.exceedsRate() {
		c.bad = &violation{codePolicy, "too many messages", BrokeMessages}
		return false
	}
	if kind == abi.Text && !utf8.Valid(p) { // RFC 6455, section 8.1
		c.bad = &violation{codeNotUTF8, "text is not UTF-8", BrokeUTF8}
		return false
	}
	c.handler.OnMessage(kind, p)
	return true
}

// readAll reads one message into *buf, which it grows as needed. It returns the
// length of the message.
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

// waitInput ends the read cycle, waits for input and begins the next cycle. It
// returns an error if there is no input that keeps the rules.
func (c *Conn) waitInput() error {
	if c.bad != nil {
		return c.bad
	}
	c.endCycle()
	if err := c.fill(); err != nil {
		return err
	}
	c.beginCycle()
	if len(c.rest) == 0 {
		return c.bad
	}
	return nil
}

// consume takes n bytes from rest.
func (c *Conn) consume(n int) {
	if c.rest = c.rest[n:]; len(c.rest) == 0 && c.direct {
		readBufs.Put(c.in)
		c.in, c.rest = nil, nil
	}
}

// beginCycle corks the output and scans the new input.
func (c *Conn) beginCycle() {
	if c.lingering {
		return
	}
	c.cork()
	now := c.group.now()
	if now-c.controlsFrom >= int64(time.Second) {
		c.controlsFrom, c.scan.controls = now, 0
	}
	var good int
	good, c.bad = c.scan.scan(c.rest)
	c.rest = c.rest[:good]
	if (c.scan.fresh || c.scan.idle()) && c.partial.Load() != 0 {
		c.partial.Store(0)
	}
}

// endCycle lets everything go out, before the reader waits for input.
func (c *Conn) endCycle() {
	if !c.lingering {
		c.handler.OnDrained()
		if !c.scan.idle() && c.partial.Load() == 0 {
			c.partial.Store(c.group.now())
		}
	}
	c.uncork()
}

// fill waits for input and sets rest to it.
func (c *Conn) fill() error {
	if !c.direct {
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
		c.readyReads = 0
	} else if c.readyReads++; c.readyReads >= maxReadyReads {
		c.readyReads = 0
		c.group.yielder.yield()
	}
	return nil
}

// tryRead reads into a borrowed buffer. It returns false if there is no input
// yet, and true after input or an error.
func (c *Conn) tryRead(n uintptr) bool {
	buf := readBufs.Get().(*[]byte)
	k, err := c.fd.read(n, *buf)
	if err == nil {
		c.in, c.rest = buf, (*buf)[:k]
		return true
	}
	readBufs.Put(buf)
	if err == errNoInput {
		c.waited = true
		return false
	}
	c.readErr = err
	return true
}

// fillPortable is fill for a connection that is not direct.
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
