package host

import (
	"errors"
	"net/netip"
	"strconv"
	"sync"
	"sync/atomic"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/socket"
)

// conn is a connection of a channel: a member of its hub with a socket. It
// is the socket's Handler and the hub's Sink.
type conn struct {
	rt     *routeRuntime
	member hub.Member
	sock   *socket.Conn

	// constant
	params      []string // in the order of channel.params
	remote      string
	address     netip.Addr // what the limit per address counts
	subprotocol string
	since       int64 // nanoseconds since 1970

	token  atomic.Pointer[auth.Token] // the one that holds; nil: none was verified
	values values
	ending atomic.Bool // a hook has closed it: no more events but on_close, although input may be here

	// the reader's goroutine only, and before it the handshake's
	outbox   hub.Outbox
	accepted bool // on_connect took it: on_close is due

	answering atomic.Int64 // bytes of answers to recover that wait behind messages of its rooms

	watched map[string]struct{} // rooms of which it watches the presence; guarded by watchers.mu

	// set before on_close, and read by it only
	gone gone

	timerMu sync.Mutex // taken before timers.mu
	timers  map[string]struct{}
	closed  bool // guarded by timerMu: no more timers
}

// gone is what a connection was when it left the hub: its own on_close, and
// nobody else, can still ask.
type gone struct {
	user  string
	rooms []string
}

// Deliver implements hub.Sink.
func (c *conn) Deliver(p []byte) { c.sock.Deliver(p) }

// deliverData is Deliver for a frame of data, which the subprotocol may change.
func (c *conn) deliverData(frame []byte) {
	if c.speaksV1() {
		frame = hub.AppendEscaped(nil, frame)
	}
	c.Deliver(frame)
}

var internalError = hub.AppendFrame(nil, abi.Text, []byte(`{"type":"error","code":"INTERNAL_ERROR"}`))

// OnMessage implements socket.Handler.
func (c *conn) OnMessage(kind abi.Kind, p []byte) {
	if c.ending.Load() {
		return
	}
	if c.speaksV1() && kind == abi.Text {
		var control bool
		if p, control = unmark(p); control {
			c.onControl(p)
			return
		}
	}
	c.rt.metrics.received(kind, len(p))
	ev := Event{Hook: abi.OnMessage, Conn: c.member.ID, Data: p, Arg: int32(kind)}
	err := c.rt.run(&ev, c, nil, &c.outbox)
	if err == nil {
		return
	}
	var f *plugin.Fault
	if errors.As(err, &f) && c.rt.settings.Load().route.OnFault == FaultClose {
		c.outbox.After(&c.member, func() { c.sock.Close(1011, "internal error") })
		return
	}
	c.outbox.Send(&c.member, internalError)
}

// OnPing implements socket.Handler.
func (c *conn) OnPing(p []byte) { c.control(abi.OnPing, p) }

// OnPong implements socket.Handler.
func (c *conn) OnPong(p []byte) { c.control(abi.OnPong, p) }

func (c *conn) control(h abi.Hook, p []byte) {
	if c.accepted && !c.ending.Load() && c.rt.settings.Load().logic.Has(h) {
		_ = c.rt.run(&Event{Hook: h, Conn: c.member.ID, Data: p}, c, nil, &c.outbox)
	}
}

// OnDrained implements socket.Handler.
func (c *conn) OnDrained() { c.outbox.Flush() }

// OnClosed implements socket.Handler.
func (c *conn) OnClosed(code int, reason string) {
	c.rt.metrics.closed.WithLabelValues(c.rt.pattern, codeLabel(code)).Inc()
	if !c.accepted {
		return
	}
	h := c.rt.hub
	c.gone = gone{user: h.User(&c.member), rooms: h.RoomsOf(&c.member)}
	h.Remove(&c.member)
	c.rt.subscribers.removeAll(c)
	c.dropTimers()
	ev := Event{Hook: abi.OnClose, Conn: c.member.ID, Data: []byte(reason), Arg: int32(code)}
	_ = c.rt.run(&ev, c, nil, &c.outbox)
	c.outbox.Flush()
}

// OnReleased implements socket.Handler. Until then the connection counts: a client
// that breaks a rule and stays would otherwise have one more socket each time.
func (c *conn) OnReleased() { c.rt.host.limits.release(c) }

// keepTimer remembers that the connection has a timer; false: it is gone.
// timerMu is held.
func (c *conn) keepTimer(name string) bool {
	if c.closed {
		return false
	}
	if c.timers == nil {
		c.timers = map[string]struct{}{}
	}
	c.timers[name] = struct{}{}
	return true
}

// forgetTimer forgets a timer that has fired, unless it is set anew already.
func (c *conn) forgetTimer(name string) {
	c.timerMu.Lock()
	defer c.timerMu.Unlock()
	if !c.rt.timers.has(timerID{c.member.ID, name}) {
		delete(c.timers, name)
	}
}

func (c *conn) dropTimers() {
	c.timerMu.Lock()
	names := c.timers
	c.timers, c.closed = nil, true
	c.timerMu.Unlock()
	for n := range names {
		c.rt.timers.clear(timerID{c.member.ID, n})
	}
	c.rt.expiries.clear(timerID{conn: c.member.ID})
}

// codeLabel is a close code as a metric label. Codes that anybody may make up
// are joined, so that clients cannot make series.
func codeLabel(code int) string {
	switch {
	case code < 3000, code == closeDrainV1:
		return strconv.Itoa(code)
	case code < 4000:
		return "3xxx"
	}
	return "4xxx"
}
