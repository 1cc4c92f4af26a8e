package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/azuhost/azuhost/host/internal/frame"
	"github.com/azuhost/azuhost/host/internal/naming"
)

// Protocol is the WebSocket subprotocol with which clients follow the positions
// of messages, recover missed ones, see presence and refresh tokens
// (docs/PROTOCOL.md). Every route accepts it.
const Protocol = "azuhost.v1"

// speaksV1 reports whether the client has negotiated Protocol.
func (c *conn) speaksV1() bool { return c.subprotocol == Protocol }

// controlRequest is a control message of a client. docs/PROTOCOL.md describes
// the fields.
type controlRequest struct {
	Type   string  `json:"type"`
	ID     float64 `json:"id"`
	Room   string  `json:"room"`
	Epoch  string  `json:"epoch"`
	Offset *uint64 `json:"offset"`
	Conn   string  `json:"conn"`
	Watch  *bool   `json:"watch"`
	Token  string  `json:"token"`
}

// welcomeMessage is the first control message of a connection.
type welcomeMessage struct {
	Type      string `json:"type"`
	Conn      string `json:"conn"`
	ExpiresAt *int64 `json:"expires_at,omitempty"`
}

// pongMessage answers a ping.
type pongMessage struct {
	Type string  `json:"type"`
	ID   float64 `json:"id"`
}

// errorMessage refuses a control request.
type errorMessage struct {
	Type    string  `json:"type"`
	ID      float64 `json:"id"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
}

// controlError is the error of a control request that is refused.
type controlError struct{ code, message string }

func (e *controlError) Error() string { return e.message }

func refuseControl(code, message string) error { return &controlError{code, message} }

// welcome sends the first control message to a client of Protocol.
func (c *conn) welcome() {
	if c.speaksV1() {
		c.Deliver(frame.AppendControl(nil, welcomeMessage{"welcome", c.id(), c.tokenEnd()}))
	}
}

// handleV1 handles a text message of a client of Protocol if it is a control
// request. Otherwise handled is false, and data is the message without the escape
// of the protocol.
func (c *conn) handleV1(p []byte) (data []byte, handled bool) {
	switch {
	case len(p) == 0 || p[0] != frame.Mark:
		return p, false
	case len(p) > 1 && p[1] == frame.Mark:
		return p[1:], false
	}
	r, err := parseControl(p[1:])
	if err == nil {
		err = c.handleControl(r)
	}
	if err != nil {
		c.answerError(r, err)
	}
	return nil, true
}

// parseControl parses a control request. The error is a *controlError.
func parseControl(p []byte) (r controlRequest, err error) {
	d := json.NewDecoder(bytes.NewReader(p))
	if err := d.Decode(&r); err != nil {
		return controlRequest{}, refuseControl(
			"INVALID",
			"the control message is no JSON object with the members that it should have",
		)
	}
	if _, err := d.Token(); err != io.EOF {
		return r, refuseControl("INVALID", "something follows the JSON object")
	}
	return r, nil
}

// handleControl handles a control request and counts it by its type.
func (c *conn) handleControl(r controlRequest) error {
	var handle func(controlRequest) error
	switch r.Type {
	case "ping":
		handle = c.answerPing
	case "recover":
		handle = c.recover
	case "presence":
		handle = c.sendPresence
	case "token":
		handle = c.handleToken
	default:
		return refuseControl("UNKNOWN_TYPE", "this host does not know such a control message")
	}
	c.rt.metrics.control(r.Type)
	return handle(r)
}

func (c *conn) answerPing(r controlRequest) error {
	c.answer(pongMessage{"pong", r.ID})
	return nil
}

// answerError answers a control request that has failed.
func (c *conn) answerError(r controlRequest, err error) {
	var e *controlError
	if !errors.As(err, &e) {
		e = &controlError{"UNAVAILABLE", "try again later"}
		c.rt.log.Warn("control message failed", "type", r.Type, "err", err)
	}
	c.rt.metrics.control("error")
	c.answer(errorMessage{"error", r.ID, e.code, e.message})
}

// answer sends a control message after the messages that were sent before.
func (c *conn) answer(v any) { c.outbox.SendRaw(&c.member, frame.AppendControl(nil, v)) }

// checkMember returns an error unless the connection is a member of a room.
func (c *conn) checkMember(room string) error {
	if !naming.Valid(room) {
		return refuseControl("INVALID", "room: a name is missing, too long or not clean UTF-8")
	}
	if !c.rt.hub.IsMember(&c.member, room) {
		return refuseControl("NOT_MEMBER", "the connection is not a member of the room")
	}
	return nil
}
