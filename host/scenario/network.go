package scenario

import (
	"context"
	"errors"
	"io"
	"net"
	"os"
	"sync"
	"time"
)

// world is what the host has in place of a network and a clock. It knows when
// nothing moves any more: every reader waits for input and none is under way,
// and every clerk waits for a time to come.
type world struct {
	mu      sync.Mutex
	changed *sync.Cond // broadcast at every change
	ends    map[*end]struct{}
	readers map[*end]struct{} // that a client reads, until it knows how they ended
	writes  int               // all that were made
	serving int               // handshakes that are under way
	clock   clock
}

func newWorld() *world {
	w := &world{ends: map[*end]struct{}{}, readers: map[*end]struct{}{}}
	w.changed = sync.NewCond(&w.mu)
	w.clock = clock{world: w, now: start, clerks: map[chan struct{}]*clerk{}}
	return w
}

// end is one side of a connection. All its fields belong to world.mu.
type end struct {
	world    *world
	peer     *end
	in       []byte
	waiting  bool // somebody reads, and there is nothing
	closed   bool
	deadline time.Time // of reads
	expiry   *time.Timer
}

// pipe makes a connection.
func (w *world) pipe() (a, b *end) {
	w.mu.Lock()
	defer w.mu.Unlock()
	a, b = &end{world: w}, &end{world: w}
	a.peer, b.peer = b, a
	w.ends[a], w.ends[b] = struct{}{}, struct{}{}
	return a, b
}

// idle says that nothing happens here until somebody else does something.
func (e *end) idle() bool { return e.waiting && len(e.in) == 0 && !e.peer.closed }

func (e *end) Read(p []byte) (int, error) {
	w := e.world
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { e.waiting = false }()
	for {
		switch {
		case e.closed:
			return 0, net.ErrClosed
		case !e.deadline.IsZero() && !time.Now().Before(e.deadline):
			return 0, os.ErrDeadlineExceeded
		case len(e.in) > 0:
			n := copy(p, e.in)
			e.in = e.in[n:]
			return n, nil
		case e.peer.closed:
			return 0, io.EOF
		}
		if !e.waiting {
			e.waiting = true
			w.changed.Broadcast()
		}
		w.changed.Wait()
	}
}

func (e *end) Write(p []byte) (int, error) {
	w := e.world
	w.mu.Lock()
	defer w.mu.Unlock()
	if e.closed {
		return 0, net.ErrClosed
	}
	if e.peer.closed {
		return 0, io.ErrClosedPipe
	}
	e.peer.in = append(e.peer.in, p...)
	w.writes++
	w.changed.Broadcast()
	return len(p), nil
}

func (e *end) Close() error {
	w := e.world
	w.mu.Lock()
	defer w.mu.Unlock()
	e.closed = true
	delete(w.ends, e)
	if e.expiry != nil {
		e.expiry.Stop()
	}
	w.changed.Broadcast()
	return nil
}

// SetReadDeadline is used by net/http to end a read.
func (e *end) SetReadDeadline(t time.Time) error {
	w := e.world
	w.mu.Lock()
	defer w.mu.Unlock()
	e.deadline = t
	if e.expiry != nil {
		e.expiry.Stop()
		e.expiry = nil
	}
	if left := time.Until(t); !t.IsZero() && left > 0 && !e.closed {
		e.expiry = time.AfterFunc(left, func() {
			w.mu.Lock()
			defer w.mu.Unlock()
			w.changed.Broadcast()
		})
	}
	w.changed.Broadcast()
	return nil
}

// WriteNeverBlocks tells the host that it can write without a goroutine: then all that
// it has to say is written when its readers and clerks have come to rest.
func (e *end) WriteNeverBlocks() {}

func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil } // writes do not wait
func (e *end) LocalAddr() net.Addr              { return address{} }
func (e *end) RemoteAddr() net.Addr             { return address{} }

// address is that of every client: one that is kept for documentation.
type address struct{}

func (address) Network() string { return "tcp" }
func (address) String() string  { return "192.0.2.1:4000" }

// listener hands the host's side of connections to a server.
type listener struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newListener() *listener { return &listener{conns: make(chan net.Conn), done: make(chan struct{})} }

func (l *listener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *listener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *listener) Addr() net.Addr { return address{} }

// dial makes a connection to the listener.
func (w *world) dial(ctx context.Context, l *listener) (*end, error) {
	here, there := w.pipe()
	select {
	case l.conns <- there:
		return here, nil
	case <-l.done:
	case <-ctx.Done():
	}
	return nil, errors.Join(net.ErrClosed, here.Close(), there.Close())
}

// restTimeout is how long the host may take, in real time, until nothing moves.
const restTimeout = 20 * time.Second

var errRestless = errors.New(
	"the host did not come to rest within 20 s: a hook that does not end, with a deadline that is long?",
)

// rest waits until nothing moves any more.
func (w *world) rest() error {
	w.mu.Lock()
	defer w.mu.Unlock()
	late := false
	timer := time.AfterFunc(restTimeout, func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		late = true
		w.changed.Broadcast()
	})
	defer timer.Stop()
	until := func(ok func() bool) bool {
		for !ok() && !late {
			w.changed.Wait()
		}
		return !late
	}
	for {
		if !until(w.quiet) {
			return errRestless
		}
		// A clerk may have been woken and not have begun yet. After two more rounds
		// it has seen everything that was before the first.
		writes := w.writes
		for range 2 {
			rounds := w.clock.wake()
			if !until(func() bool { return w.clock.since(rounds) }) {
				return errRestless
			}
		}
		if w.quiet() && w.writes == writes {
			return nil
		}
	}
}

// quiet says that nothing moves. mu is held.
func (w *world) quiet() bool {
	for e := range w.ends {
		if !e.idle() {
			return false
		}
	}
	for e := range w.readers {
		if e.closed {
			return false
		}
	}
	return w.serving == 0 && w.clock.parked()
}

// reads says that a client reads an end, or has come to its end.
func (w *world) reads(e *end, on bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if on {
		w.readers[e] = struct{}{}
	} else {
		delete(w.readers, e)
	}
	w.changed.Broadcast()
}

// handshake counts a handshake in or out.
func (w *world) handshake(n int) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.serving += n
	w.changed.Broadcast()
}
