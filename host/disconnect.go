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

// Disconnection closes one connection or those of a user. Exactly one of Conn and User
// is set.
type Disconnection struct {
	// Route is the path of a route, as in Options.Routes. Empty: every route.
	Route string
	// Conn is the id of a connection, as in ConnInfo.ID.
	Conn string
	// User is the user whose connections are closed.
	User string
	// Code is the close code: 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999. 0: 1008.
	Code int
	// Reason is the reason of the close, at most 123 bytes of UTF-8.
	Reason string
}

// Disconnect closes connections after the messages that were sent to them. It is no
// error if there are none; Delivery counts them. Errors wrap [ErrUnknownRoute] and
// [abi.Invalid].
func (h *Host) Disconnect(ctx context.Context, d Disconnection) (_ Delivery, err error) {
	if d.Code == 0 {
		d.Code = 1008
	}
	switch {
	case (d.Conn == "") == (d.User == ""):
		err = fmt.Errorf("name either a connection or a user: %w", abi.Invalid)
	case d.User != "":
		err = validateNames(d.User)
	default:
		_, _, err = parseClusterConnID(d.Conn)
	}
	if err != nil {
		return Delivery{}, err
	}
	switch {
	case !frame.CanClose(d.Code):
		return Delivery{}, fmt.Errorf(
			"close code %d: want 1000, 1001, 1003, 1007 to 1013, or 3000 to 4999: %w",
			d.Code,
			abi.Invalid,
		)
	case len(d.Reason) > abi.MaxCloseReason || !utf8.ValidString(d.Reason):
		return Delivery{}, fmt.Errorf("a reason has at most %d bytes of UTF-8: %w", abi.MaxCloseReason, abi.Invalid)
	}
	routes, err := h.routesOf(d.Route)
	if err != nil {
		return Delivery{}, err
	}
	var sum deliveryCount
	for _, rt := range routes {
		one, err := rt.disconnect(ctx, d)
		if err != nil {
			return sum.delivery(), err
		}
		sum.add(one)
	}
	return sum.delivery(), nil
}

// disconnect closes the connections of a valid disconnection on all nodes.
func (rt *routeRuntime) disconnect(ctx context.Context, d Disconnection) (deliveryCount, error) {
	b := rt.host.broker
	if d.User != "" && b != nil {
		return clusterDelivery(
			b.PublishAndWait(ctx, rt.userTopic(d.User), broker.Message{Close: &broker.Close{Code: d.Code, Reason: d.Reason}}),
		), nil
	}
	outbox := hub.Outbox{Hub: rt.hub}
	defer outbox.Flush()
	if d.User != "" {
		return rt.localDelivery(rt.closeUser(&outbox, d.User, d.Code, d.Reason)), nil
	}
	node, id, err := parseClusterConnID(d.Conn)
	switch {
	case err != nil:
		return deliveryCount{}, err
	case node == rt.host.node:
		return rt.localDelivery(rt.closeConn(&outbox, id, d.Code, d.Reason)), nil
	case b == nil:
		return deliveryCount{}, nil
	}
	n, answered := b.SendCommand(
		ctx,
		node,
		broker.Command{Route: rt.pattern, Conn: id, Close: broker.Close{Code: d.Code, Reason: d.Reason}},
	)
	sum := nodeDelivery(node, n)
	sum.Partial = !answered && slices.Contains(rt.host.nodes(), node)
	return sum, nil
}

// closeUser closes the connections of a user on this node after the messages that were
// sent to them. It returns their number.
func (rt *routeRuntime) closeUser(outbox *hub.Outbox, user string, code int, reason string) int {
	members := rt.hub.MembersOfUser([]byte(user))
	for _, m := range members {
		closeMember(outbox, m, code, reason)
	}
	return len(members)
}

// closeConn closes a connection of this node. It returns 1, or 0 if there is none.
func (rt *routeRuntime) closeConn(outbox *hub.Outbox, id uint64, code int, reason string) int {
	m := rt.hub.Member(id)
	if m == nil {
		return 0
	}
	closeMember(outbox, m, code, reason)
	return 1
}

// closeMember closes a connection after the messages that were sent to it.
func closeMember(outbox *hub.Outbox, m *hub.Member, code int, reason string) {
	c := m.Sink().(*conn)
	c.closing.Store(true)
	outbox.After(m, func() { c.sock.Close(code, reason) })
}
