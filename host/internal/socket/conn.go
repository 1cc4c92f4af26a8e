package socket

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/coder/websocket"
)

// Handler handles the events of one connection. All calls come from the reader,
// one at a time. Byte slices are valid during the call only. After a close frame
// was sent, OnMessage, OnPing and OnPong are not called.
type Handler interface {
	OnMessage(kind abi.Kind, p []byte)
	OnPing(p []byte)
	OnPong(p []byte)
	// OnDrained says that all input was handled and the reader is about to wait
	// for more.
	OnDrained()
	// OnClosed says that nothing is received or sent any more. It is called
	// exactly once for every connection that Upgrade was called for.
	OnClosed(code int, reason string)
	// OnReleased is the last call, once after OnClosed: the socket is closed. A
	// client can delay it by Timeouts.Close, and over TLS by 5 s more.
	OnReleased()
}

// Conn is one connection. Frames that are delivered before Upgrade go out right
// after it. All methods but Upgrade may be called concurrently.
type Conn struct {
	// constant
	group   *Group
	opts    *Options
	handler Handler
	v1      bool // the client speaks azuhost.v1 (docs/PROTOCOL.md)

	// set by Upgrade, then constant
	ws          *websocket.Conn
	libraryIn   *bufio.Reader // the library reads through it
	net         net.Conn
	fd          fd
	direct      bool               // reads and writes use fd instead of net
	nonBlocking bool               // they use net, whose Write never blocks
	tryReadFn   func(uintptr) bool // tryRead as a value, made once: each use would allocate

	// owned by the reader
	in         *[]byte // buffer of rest; with direct borrowed from readBufs
	rest       []byte  // input that was scanned and not handled yet
	scan       scanner
	bad        *violation // found by scan, behind rest
	readErr    error      // of tryRead
	waited     bool       // tryRead found no input at first
	readyReads int        // reads in a row that did not wait
	lingering  bool       // input is discarded
	peerClosed bool       // the client has sent a close frame
	// libraryClosed says that the library has sent a close frame.
	libraryClosed bool
	controlsFrom  int64 // when scan.controls began to count
	limiter       rateLimiter

	// owned by the goroutine of the group
	pingAt int64 // when to send the next ping

	// guarded by group.mu
	index int // in group.conns

	// Times on the clock of the group; 0 means none.
	pongDue atomic.Int64 // since when a sign of life is due; written with mu held
	partial atomic.Int64 // since when an incomplete message is here
	closeBy atomic.Int64 // deadline of the closing handshake, from the close frame on

	// guarded by mu
	mu           sync.Mutex
	queue        queue
	inFlight     int           // bytes that flushPortable has taken from the queue
	attached     bool          // the socket exists
	corked       bool          // a read cycle runs
	flushing     bool          // a flusher runs
	flushed      chan struct{} // closed by the flusher at its end; may be nil
	pendingClose *closeStatus  // of a close frame to be sent at the end of the read cycle
	closing      bool          // a close frame is queued or sent, or there will be none
	status       closeStatus   // with closing
	dead         error         // why nothing can be written any more
}

// closeStatus is the content of a close frame (RFC 6455, section 7.1.6).
type closeStatus struct {
	code   int
	reason string
}

// NewConn returns a connection without a socket. opts must not change. v1 says
// that the client speaks azuhost.v1: DropOldest then keeps its control messages.
func (g *Group) NewConn(opts *Options, v1 bool, h Handler) *Conn {
	return &Conn{group: g, opts: opts, v1: v1, handler: h, scan: scanner{maxMessage: opts.maxMessage()}}
}

// Queued returns how many bytes wait to be written.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.len() + c.inFlight
}

// Undroppable returns how many of the queued bytes never make space for later
// frames: with DropOldest those that may not be dropped, otherwise all.
func (c *Conn) Undroppable() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opts.DropOldest {
		return c.queue.len() + c.inFlight
	}
	return c.queue.undroppable(c.v1) + c.inFlight
}

// closeSent reports whether a close frame is queued or sent.
func (c *Conn) closeSent() bool { return c.closeBy.Load() != 0 }
