package host

import (
	"context"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/hub"
)

// Disconnection closes a connection, or all those of a user: exactly one of
// Conn and User is set.
type Disconnection struct {
	// Route is the path of a route as Options.Routes has it. Empty: every route.
	Route string
	// Conn is the id of a connection, as Connections lists it.
	Conn string
	// User has all connections of a user closed.
	User string
	// Code of the close: 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999. 0: 1008.
	Code int
	// Reason for the client: at most 123 bytes of UTF-8.
	Reason string
}

// Disconnect closes connections, behind what was sent to them before. That there
// are none, or none any more, is no error: Delivery says how many there were.
// Errors wrap ErrUnknownRoute and abi.Invalid.
func (h *Host) Disconnect(ctx context.Context, d Disconnection) (_ Delivery, err error) {
	if d.Code == 0 {
		d.Code = 1008
	}
	switch {
	case (d.Conn == "") == (d.User == ""):
		err = fmt.Errorf("name either a connection or a user: %w", abi.Invalid)
	case d.User != "":
		err = checkNames(d.User)
	default:
		_, _, err = parseClusterConnID(d.Conn)
	}
	if err != nil {
		return Delivery{}, err
	}
	switch {
	case !frame.CanClose(d.Code):
		return Delivery{}, fmt.Errorf("close code %d: want 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999: %w", d.Code, abi.Invalid)
	case len(d.Reason) > abi.MaxCloseReason || !utf8.ValidString(d.Reason):
		return Delivery{}, fmt.Errorf("a reason has at most %d bytes of UTF-8: %w", abi.MaxCloseReason, abi.Invalid)
	}
	channels, err := h.routesOf(d.Route)
	if err != nil {
		return Delivery{}, err
	}
	var sum reach
	for _, rt := range channels {
		one, err := rt.disconnect(ctx, d)
		if err != nil {
			return sum.delivery(), err
		}
		sum.add(one)
	}
	return sum.delivery(), nil
}

// disconnect closes the connections that a checked disconnection is about, on
// whatever node they are.
func (rt *routeRuntime) disconnect(ctx context.Context, d Disconnection) (reach, error) {
	b := rt.host.broker
	if d.User != "" && b != nil {
		return reached(b.PublishAndWait(ctx, rt.userTopic(d.User), broker.Message{Close: &broker.Close{Code: d.Code, Reason: d.Reason}})), nil
	}
	outbox := hub.Outbox{Hub: rt.hub}
	defer outbox.Flush()
	if d.User != "" {
		return rt.local(rt.closeUser(&outbox, d.User, d.Code, d.Reason)), nil
	}
	node, id, err := parseClusterConnID(d.Conn)
	switch {
	case err != nil:
		return reach{}, err
	case node == rt.host.node:
		return rt.local(rt.closeConn(&outbox, id, d.Code, d.Reason)), nil
	case b == nil:
		return reach{}, nil
	}
	n, answered := b.SendCommand(ctx, node, broker.Command{Route: rt.pattern, Conn: id, Close: broker.Close{Code: d.Code, Reason: d.Reason}})
	sum := reachOf(node, n)
	sum.Partial = !answered && slices.Contains(rt.host.nodes(), node)
	return sum, nil
}

// closeUser closes the connections of a user to this node, behind what was sent
// to them before.
func (rt *routeRuntime) closeUser(outbox *hub.Outbox, user string, code int, reason string) int {
	members := rt.hub.MembersOfUser([]byte(user))
	for _, m := range members {
		closeMember(outbox, m, code, reason)
	}
	return len(members)
}

func (rt *routeRuntime) closeConn(outbox *hub.Outbox, id uint64, code int, reason string) int {
	m := rt.hub.Member(id)
	if m == nil {
		return 0
	}
	closeMember(outbox, m, code, reason)
	return 1
}

func closeMember(outbox *hub.Outbox, m *hub.Member, code int, reason string) {
	c := m.Sink().(*conn)
	c.closing.Store(true)
	outbox.After(m, func() { c.sock.Close(code, reason) })
}
