package host

import (
	"slices"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/frame"
)

// maxFrameHeader is the length of the longest header of a server's frame, in
// bytes (RFC 6455, section 5.2).
const maxFrameHeader = 10

// keepFrame encodes a message as a frame in the arena.
func (c *call) keepFrame(kind abi.Kind, data []byte) (span, error) {
	switch {
	case !kind.Valid(), kind == abi.Text && !utf8.Valid(data):
		return span{}, abi.Invalid
	case c.effectBytes()+len(data)+maxFrameHeader > c.set.limits.HookBytes:
		return span{}, abi.Limit
	}
	from := len(c.arena)
	c.arena = frame.Append(c.arena, kind, data)
	return span{from, len(c.arena)}, nil
}

// Send implements plugin.Env.
func (c *call) Send(id ConnID, kind abi.Kind, data []byte) error {
	conn, err := c.findConn(id)
	if err != nil {
		return err
	}
	f, err := c.keepFrame(kind, data)
	if err != nil {
		return err
	}
	return c.add(effect{kind: effectSend, conn: conn, data: f})
}

// Broadcast implements plugin.Env.
func (c *call) Broadcast(room []byte, kind abi.Kind, data []byte, except ConnID) error {
	return c.sendTo(effectBroadcast, room, kind, data, except)
}

// SendUser implements plugin.Env.
func (c *call) SendUser(user []byte, kind abi.Kind, data []byte) error {
	return c.sendTo(effectSendUser, user, kind, data, 0)
}

// sendTo adds a message to the room or the user of a name.
func (c *call) sendTo(k effectKind, name []byte, kind abi.Kind, data []byte, except ConnID) error {
	n, err := c.keepName(name)
	if err != nil {
		return err
	}
	f, err := c.keepFrame(kind, data)
	if err != nil {
		return err
	}
	return c.add(effect{kind: k, name: n, data: f, except: except})
}

// BroadcastAll implements plugin.Env.
func (c *call) BroadcastAll(kind abi.Kind, data []byte, except ConnID) error {
	f, err := c.keepFrame(kind, data)
	if err != nil {
		return err
	}
	return c.add(effect{kind: effectBroadcastAll, data: f, except: except})
}

// SendUsers implements plugin.Env. users holds a name a line. The frame is
// encoded once. On an error nothing is sent to any of the users.
func (c *call) SendUsers(users []byte, kind abi.Kind, data []byte) (err error) {
	effects, arena := len(c.effects), len(c.arena)
	defer func() {
		if err != nil {
			c.effects, c.arena = c.effects[:effects], c.arena[:arena]
		}
	}()
	f, err := c.keepFrame(kind, data)
	if err != nil {
		return err
	}
	for user := range lines(users) {
		n, err := c.keepName(user)
		if err != nil {
			return err
		}
		if err := c.add(effect{kind: effectSendUser, name: n, data: f}); err != nil {
			return err
		}
	}
	return nil
}

// CloseConn implements plugin.Env.
func (c *call) CloseConn(id ConnID, code int32, reason []byte) error {
	if !frame.CanClose(int(code)) || len(reason) > abi.MaxCloseReason || !utf8.Valid(reason) {
		return abi.Invalid
	}
	conn, err := c.findConn(id)
	if err != nil {
		return err
	}
	r, err := c.keep(reason)
	if err != nil {
		return err
	}
	return c.add(effect{kind: effectClose, conn: conn, code: code, data: r})
}

// sendToRoom sends a frame to a room on all nodes.
func (c *call) sendToRoom(room, frame []byte, except ConnID) {
	if c.rt.host.broker == nil {
		c.outbox.Broadcast(room, frame, except)
		return
	}
	c.sendOverBroker(c.rt.roomTopic(string(room)), frame, except)
}

// sendToUser sends a frame to the connections of a user on all nodes.
func (c *call) sendToUser(user, frame []byte) {
	if c.rt.host.broker == nil {
		c.outbox.SendUser(user, frame)
		return
	}
	c.sendOverBroker(c.rt.userTopic(string(user)), frame, 0)
}

// sendToAll sends a frame to all connections of the route on all nodes.
func (c *call) sendToAll(frame []byte, except ConnID) {
	if c.rt.host.broker == nil {
		c.outbox.BroadcastAll(frame, except)
		return
	}
	c.sendOverBroker(c.rt.allTopic(), frame, except)
}

// sendOverBroker publishes a frame without waiting for its delivery. c.receipts
// gets the receipt.
func (c *call) sendOverBroker(t broker.Topic, frame []byte, except ConnID) {
	m := broker.Message{Frame: slices.Clone(frame), Except: except}
	if c.receipts == nil {
		c.rt.host.broker.Publish(t, m)
		return
	}
	*c.receipts = append(*c.receipts, c.rt.host.broker.PublishWithReceipt(t, m))
}
