package socket

import (
	"bufio"
	"net"
	"sync"
	"sync/atomic"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/coder/websocket"
)

// Handler gets what comes in on one connection, on the goroutine of its
// reader, one call at a time. Byte slices are valid during the call only.
type Handler interface {
	OnMessage(kind abi.Kind, p []byte)
	// OnPing and OnPong are not called, and neither is OnMessage, behind a close.
	OnPing(p []byte)
	OnPong(p []byte)
	// OnDrained says that the reader has no more input and is about to wait.
	OnDrained()
	// OnClosed says that nothing more comes or goes. It happens exactly once for
	// every connection that Upgrade was called for.
	OnClosed(code int, reason string)
	// OnReleased is the last call, once behind OnClosed: the socket is closed,
	// which the client can put off by Timeouts.Close, and over TLS by 5 s more.
	OnReleased()
}

// Conn is one connection. It can be written to from its creation on: what is
// delivered before the upgrade goes out right after it. Deliver and Close may
// be called concurrently.
type Conn struct {
	group   *Group
	opts    *Options
	handler Handler
	at      int  // index in group.conns, guarded by group.mu
	spoken  bool // the subprotocol of docs/PROTOCOL.md is; constant

	// set by Upgrade, then constant
	ws        *websocket.Conn
	lib       *bufio.Reader // through which the library reads from us
	net       net.Conn
	fd        fd
	fast      bool               // fd is usable
	atOnce    bool               // it is not, and net never waits to write
	tryReadFn func(uintptr) bool // tryRead, made once: each use would allocate

	// the reader's goroutine only
	in                    *[]byte // borrowed from readBufs, while rest is not empty
	rest                  []byte  // read, and not yet given to the library
	scan                  scanner
	bad                   *violation // found by scan, behind rest
	readErr               error
	waited                bool // the last read had to wait
	hot                   int  // reads in a row that had not
	lingering, peerClosed bool
	saidClose             bool  // the library has sent a close frame
	second                int64 // when scan.controls began to count
	pace                  pace

	// deadlines in nanoseconds of the group's clock; 0: none
	pingAt  int64        // the group's goroutine only
	pongDue atomic.Int64 // since when a sign of life is due; written with mu held, 0 while corked
	partial atomic.Int64 // since when a message is half here
	closeBy atomic.Int64 // a close frame is out

	mu       sync.Mutex
	queue    queue
	inflight int           // bytes that the flusher of the portable way has taken
	attached bool          // there is a socket
	corked   bool          // the reader is busy with input that it has: hold writes back
	flushing bool          // a goroutine empties the queue
	flushed  chan struct{} // if not nil, to be closed when it is done
	farewell *farewell     // if not nil, to be sent with the next uncork
	closing  bool          // a close frame is in the queue or out: nothing may follow it
	dead     error
	code     int // of the close, when closing
	reason   string
}

// NewConn makes a connection without a socket. opts must not change.
func (g *Group) NewConn(opts *Options, h Handler) *Conn {
	return &Conn{group: g, opts: opts, handler: h, scan: scanner{maxMessage: opts.maxMessage()}}
}

// Speaks says that the client speaks the subprotocol of docs/PROTOCOL.md: DropOldest then keeps its
// control messages. It is to be called before anything else.
func (c *Conn) Speaks() { c.spoken = true }

// Queued is how many bytes wait to be written.
func (c *Conn) Queued() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.queue.len() + c.inflight
}

// Staying is how many bytes wait to be written that make no room for what comes later: with
// DropOldest what may not be dropped, without it all.
func (c *Conn) Staying() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.opts.DropOldest {
		return c.queue.len() + c.inflight
	}
	return c.queue.staying(c.spoken) + c.inflight
}
