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

// ErrClosed says that the group does not take connections any more.
var ErrClosed = errors.New("the host is closing")

// Upgrade answers the handshake and reads from then on, on a goroutine of its
// own: the caller should return at once, which frees net/http's buffers, the
// request and a deep stack. subprotocol is what Subprotocol picked. On error no
// goroutine runs, the handler was told that the connection is closed, and the
// answer, if one is still possible, is written.
func (c *Conn) Upgrade(w http.ResponseWriter, r *http.Request, subprotocol string) error {
	opts := websocket.AcceptOptions{
		InsecureSkipVerify: true, // the host has checked Origin and Host
		CompressionMode:    websocket.CompressionDisabled,
		OnPingReceived: func(_ context.Context, p []byte) bool {
			if c.closeBy.Load() == 0 {
				c.handler.OnPing(p)
			}
			return true
		},
		OnPongReceived: func(_ context.Context, p []byte) {
			if c.closeBy.Load() == 0 {
				c.handler.OnPong(p)
			}
		},
	}
	if subprotocol != "" {
		opts.Subprotocols = []string{subprotocol}
	}
	err := ErrClosed
	if !canHijack(w) {
		err = errNoHijack
		http.Error(w, "this server can not take over the connection", http.StatusNotImplemented)
	} else if c.group.add(c) {
		hw := &hijacker{ResponseWriter: w, conn: c}
		if c.ws, err = websocket.Accept(hw, r, &opts); err == nil {
			// The library's limit is a second net under ours.
			c.ws.SetReadLimit(int64(c.opts.maxMessage()))
			c.group.wait.Go(c.serve)
			return nil
		}
		c.group.remove(c)
	} else {
		http.Error(w, "the server is going away", http.StatusServiceUnavailable)
	}
	c.Abort(codeAbnormal, "")
	c.handler.OnClosed(codeAbnormal, "")
	c.handler.OnReleased()
	return fmt.Errorf("upgrade: %w", err)
}

var errNoHijack = errors.New("the ResponseWriter can not be hijacked: a middleware hides it, or the request came by HTTP/2")

// canHijack says whether w, or one that it wraps, can be hijacked.
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

// hijacker is a ResponseWriter that hands the library our net.Conn, and small
// buffers instead of net/http's two of 4 KiB.
type hijacker struct {
	http.ResponseWriter
	conn *Conn
}

// libraryWriteBuf holds a whole control frame: 125 bytes and a header of at
// most 6. The library then never writes a part of one.
const libraryWriteBuf = 256

func (h *hijacker) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	n, brw, err := http.NewResponseController(h.ResponseWriter).Hijack()
	if err != nil {
		return nil, nil, err
	}
	_ = n.SetDeadline(time.Time{}) // of the HTTP server
	c := h.conn
	c.attach(n)
	early, _ := brw.Reader.Peek(brw.Reader.Buffered())
	c.early(early)
	nc := netConn{c}
	c.lib = bufio.NewReaderSize(nc, 16)
	return nc, bufio.NewReadWriter(c.lib, bufio.NewWriterSize(nc, libraryWriteBuf)), nil
}

// early takes frames that came along with the handshake, or so soon after it
// that net/http had read them: they are the first input.
func (c *Conn) early(p []byte) {
	if len(p) == 0 {
		return
	}
	c.in = readBufs.Get().(*[]byte)
	if len(p) > len(*c.in) {
		b := append([]byte(nil), p...)
		c.in = &b
	}
	c.rest = (*c.in)[:copy(*c.in, p)]
	c.beginTurn()
}
