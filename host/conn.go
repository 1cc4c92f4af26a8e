package host

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/socket"
	"github.com/azuhost/azuhost/host/internal/store"
	"github.com/azuhost/azuhost/host/internal/timer"
)

// conn is a connection of a route: a member of its hub with a socket. It
// implements socket.Handler and hub.Sink.
type conn struct {
	// Set by newConn and constant afterwards.
	rt          *routeRuntime
	member      hub.Member
	sock        *socket.Conn
	params      []string   // values of routeRuntime.params
	remote      string     // IP address of the client
	address     netip.Addr // the key of the limit of connections per address
	subprotocol string
	since       int64 // nanoseconds since 1970

	token  atomic.Pointer[auth.Token] // the current one; nil: none was verified
	values store.Values
	// closing is set by a close that a hook or an operator requested. Input that has
	// been read before runs no more hooks.
	closing atomic.Bool
	// answering counts the bytes of answers to recover that wait behind messages
	// of the connection's rooms.
	answering atomic.Int64

	// Owned by the goroutine that reads the socket, and before it by that of the
	// handshake.
	outbox   hub.Outbox
	accepted bool     // on_connect has accepted the connection: on_close will run
	last     lastSeen // set before on_close

	// presenceRooms holds the rooms whose presence the connection subscribes to.
	// presenceSubscribers.mu guards it.
	presenceRooms map[string]struct{}

	// timerMu is taken before timers.mu. It guards the fields below.
	timerMu    sync.Mutex
	timers     map[string]struct{}
	timersDone bool // the connection has ended: no timer is set any more
}

// lastSeen is what a connection was when it left the hub. Its own on_close can
// ask for it.
type lastSeen struct {
	user  string
	rooms []string
}

// Deliver implements hub.Sink.
func (c *conn) Deliver(p []byte) { c.sock.Deliver(p) }

// deliverData delivers a data frame. It escapes a message that a client of
// azuhost.v1 would take for a control message.
func (c *conn) deliverData(f []byte) {
	if c.speaksV1() {
		f = frame.AppendEscaped(nil, f)
	}
	c.Deliver(f)
}

// internalError tells a client that the hook of its message has failed.
var internalError = frame.Append(nil, abi.Text, []byte(`{"type":"error","code":"INTERNAL_ERROR"}`))

// OnMessage implements socket.Handler.
func (c *conn) OnMessage(kind abi.Kind, p []byte) {
	if c.closing.Load() {
		return
	}
	if c.speaksV1() && kind == abi.Text {
		var handled bool
		if p, handled = c.handleV1(p); handled {
			return
		}
	}
	c.rt.metrics.received(kind, len(p))
	err := c.rt.run(context.Background(), invocation{
		event: plugin.Event{Hook: abi.OnMessage, Conn: c.member.ID, Data: p, Arg: int32(kind)}, conn: c, outbox: &c.outbox,
	})
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
func (c *conn) OnPing(p []byte) { c.onControlFrame(abi.OnPing, p) }

// OnPong implements socket.Handler.
func (c *conn) OnPong(p []byte) { c.onControlFrame(abi.OnPong, p) }

// onControlFrame runs the hook of a ping or pong frame.
func (c *conn) onControlFrame(h abi.Hook, p []byte) {
	if c.accepted && !c.closing.Load() && c.rt.settings.Load().logic.Has(h) {
		_ = c.rt.run(context.Background(), invocation{
			event: plugin.Event{Hook: h, Conn: c.member.ID, Data: p}, conn: c, outbox: &c.outbox,
		})
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
	c.last = lastSeen{user: h.User(&c.member), rooms: h.RoomsOf(&c.member)}
	h.Remove(&c.member)
	c.rt.subscribers.removeAll(c)
	c.endTimers()
	_ = c.rt.run(context.Background(), invocation{
		event: plugin.Event{
			Hook: abi.OnClose,
			Conn: c.member.ID,
			Data: []byte(reason),
			Arg:  int32(code),
		},
		conn:   c,
		outbox: &c.outbox,
	})
	c.outbox.Flush()
}

// OnReleased implements socket.Handler. A closed connection counts until its
// socket is released, since a client that lingers still holds it.
func (c *conn) OnReleased() { c.uncount() }

// uncount ends the connection for the limits of connections.
func (c *conn) uncount() { c.rt.host.limits.Release(c.rt, c.address) }

// addTimer records a timer of the connection. It returns false if the connection
// has ended. timerMu is held.
func (c *conn) addTimer(name string) bool {
	if c.timersDone {
		return false
	}
	if c.timers == nil {
		c.timers = map[string]struct{}{}
	}
	c.timers[name] = struct{}{}
	return true
}

// removeTimer removes a timer that has fired, unless it has been set again.
func (c *conn) removeTimer(name string) {
	c.timerMu.Lock()
	defer c.timerMu.Unlock()
	if !c.rt.timers.Has(timer.ID{Conn: c.member.ID, Name: name}) {
		delete(c.timers, name)
	}
}

// endTimers clears all timers, that of the token included.
func (c *conn) endTimers() {
	c.timerMu.Lock()
	names := c.timers
	c.timers, c.timersDone = nil, true
	c.timerMu.Unlock()
	for n := range names {
		c.rt.timers.Clear(timer.ID{Conn: c.member.ID, Name: n})
	}
	c.rt.expiries.Clear(timer.ID{Conn: c.member.ID})
}

// codeLabel returns a close code as a metric label. Codes from 3000 are grouped,
// so that clients cannot make series.
func codeLabel(code int) string {
	switch {
	case code < 3000, code == closeDrainV1:
		return strconv.Itoa(code)
	case code < 4000:
		return "3xxx"
	}
	return "4xxx"
}

// id returns the id of the connection in its cluster.
func (c *conn) id() string { return clusterConnID(c.rt.host.node, c.member.ID) }

// clusterConnID returns the id in a cluster of a connection to a node.
func clusterConnID(node string, id ConnID) string { return node + "." + strconv.FormatUint(id, 10) }

// parseClusterConnID splits an id that clusterConnID has made. The error wraps
// abi.Invalid.
func parseClusterConnID(s string) (node string, id ConnID, err error) {
	i := strings.LastIndexByte(s, '.')
	if i > 0 {
		id, err = strconv.ParseUint(s[i+1:], 10, 64)
	}
	if i <= 0 || err != nil || id == 0 || s[i+1:] != strconv.FormatUint(id, 10) || !naming.ValidNode(s[:i]) {
		return "", 0, fmt.Errorf("connection %q: want NODE.NUMBER, as connections are listed: %w", s, abi.Invalid)
	}
	return s[:i], id, nil
}
