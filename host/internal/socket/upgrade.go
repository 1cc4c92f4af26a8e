package socket

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/coder/websocket"
)

// errClosed says that the group takes no more connections.
var errClosed = errors.New("the host is closing")

var errNoHijack = errors.New("cannot hijack the ResponseWriter: a middleware hides it, or the request came by HTTP/2")

// Upgrade answers the handshake and starts the reader. subprotocol is the result
// of Subprotocol. The caller should return at once, which frees the buffers of
// net/http, the request and the stack.
//
// On error no reader runs, Handler.OnClosed and OnReleased were called, and the
// HTTP answer, if one was still possible, is written.
func (c *Conn) Upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) error {
	err := c.upgrade(w, r, subprotocol)
	if err == nil {
		c.group.wait.Go(c.serve)
		return nil
	}
	c.abort(codeAbnormal, "")
	c.handler.OnClosed(codeAbnormal, "")
	c.handler.OnReleased()
	return fmt.Errorf("upgrade: %w", err)
}

func (c *Conn) upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) error {
	if !canHijack(w) {
		http.Error(w, "this server cannot take over the connection", http.StatusNotImplemented)
		return errNoHijack
	}
	if !c.group.add(c) {
		http.Error(w, "the server is going away", http.StatusServiceUnavailable)
		return errClosed
	}
	var err error
	if c.ws, err = websocket.Accept(&hijacker{ResponseWriter: w, conn: c}, r, c.acceptOptions(subprotocol)); err != nil {
		c.group.remove(c)
		return err
	}
	// scan enforces the limit. The library enforces it once more.
	c.ws.SetReadLimit(int64(c.opts.maxMessage()))
	return nil
}

func (c *Conn) acceptOptions(subprotocol string) *websocket.AcceptOptions {
	opts := &websocket.AcceptOptions{
		InsecureSkipVerify: true, // the host has checked Origin and Host
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived: func(_ context.Context, p []byte) bool {
			if !c.closeSent() {
				c.handler.OnPing(p)
			}
			return true
		},
		OnPongReceived: func(_ context.Context, p []byte) {
			if !c.closeSent() {
				c.handler.OnPong(p)
			}
		},
	}
	if subprotocol != "" {
		opts.Subprotocols = []string{subprotocol}
	}
	return opts
}

// canHijack reports whether w, or a ResponseWriter that it wraps, is a Hijacker.
func canHijack(w http.ResponseWriter) bool {
	for {
		if _, ok := w.(http.Hijacker); ok {
			return true
		}
		u, ok := w.(interface{ Unwrap() http.ResponseWriter })
		if !ok {
			return false
		}
		w = u.Unwrap()
	}
}

// hijacker is a ResponseWriter whose Hijack returns a libraryConn, with small
// buffers instead of the two of 4 KiB that net/http makes.
type hijacker struct {
	http.ResponseWriter
	conn *Conn
}

// libraryReadBuf is the smallest buffer that bufio has. The input is buffered in
// Conn already.
const libraryReadBuf = 16

// libraryWriteBuf holds a whole control frame, whose payload has at most 125
// bytes (RFC 6455, section 5.5). The library then writes each one in one call.
const libraryWriteBuf = 256

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	n, brw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	_ = n.SetDeadline(time.Time{}) // clears the deadline of the HTTP server
	c := h.conn
	c.attach(n)
	early, _ := brw.Reader.Peek(brw.Reader.Buffered())
	c.readEarly(early)
	lc := libraryConn{c}
	c.libraryIn = bufio.NewReaderSize(lc, libraryReadBuf)
	return lc, bufio.NewReadWriter(c.libraryIn, bufio.NewWriterSize(lc, libraryWriteBuf)), nil
}

// readEarly takes p as the first input: frames that net/http has read along with
// the handshake.
func (c *Conn) readEarly(p []byte) {
	if len(p) == 0 {
		return
	}
	c.in = readBufs.Get().(*[]byte)
	if len(p) > len(*c.in) {
		b := append([]byte(nil), p...)
		c.in = &b
	}
	c.rest = (*c.in)[:copy(*c.in, p)]
	c.beginCycle()
}
