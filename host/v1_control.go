package host

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// request is a control message from a client. What it means is in
// docs/PROTOCOL.md.
type request struct {
	Type   string  `json:"type"`
	ID     float64 `json:"id"`
	Room   string  `json:"room"`
	Epoch  string  `json:"epoch"`
	Offset *uint64 `json:"offset"`
	Conn   string  `json:"conn"`
	Watch  *bool   `json:"watch"`
	Token  string  `json:"token"`
}

// controlError is why a control message is refused.
type controlError struct{ code, message string }

func (e *controlError) Error() string { return e.message }

func refuseControl(code, message string) error { return &controlError{code, message} }

// errorMessage answers a control message that is refused.
type errorMessage struct {
	Type    string  `json:"type"`
	ID      float64 `json:"id"`
	Code    string  `json:"code"`
	Message string  `json:"message"`
}

// unmark takes away what the subprotocol puts in front of data. control says
// that p is a control message instead, without its mark.
func unmark(p []byte) (data []byte, control bool) {
	switch {
	case len(p) == 0 || p[0] != hub.Mark:
		return p, false
	case len(p) > 1 && p[1] == hub.Mark:
		return p[1:], false
	}
	return p[1:], true
}

// onControl handles a control message of the client.
func (c *conn) onControl(p []byte) {
	r, err := parseRequest(p)
	if err == nil {
		err = c.handleRequest(r)
	}
	if err == nil {
		return
	}
	var e *controlError
	if !errors.As(err, &e) {
		e = &controlError{"UNAVAILABLE", "try again later"}
		c.rt.log.Warn("control message", "type", r.Type, "err", err)
	}
	c.rt.metrics.control("error")
	c.answer(errorMessage{"error", r.ID, e.code, e.message})
}

func parseRequest(p []byte) (r request, err error) {
	d := json.NewDecoder(bytes.NewReader(p))
	if err := d.Decode(&r); err != nil {
		return request{}, refuseControl("INVALID", "the control message is no JSON object with the members that it should have")
	}
	if _, err := d.Token(); err != io.EOF {
		return r, refuseControl("INVALID", "something follows the JSON object")
	}
	return r, nil
}

func (c *conn) handleRequest(r request) error {
	switch r.Type {
	case "ping":
		c.rt.metrics.control("ping")
		c.answer(pong{"pong", r.ID})
		return nil
	case "recover":
		c.rt.metrics.control("recover")
		return c.recover(r)
	case "presence":
		c.rt.metrics.control("presence")
		return c.presence(r)
	case "token":
		c.rt.metrics.control("token")
		return c.refresh(r)
	}
	return refuseControl("UNKNOWN_TYPE", "this host does not know such a control message")
}

type pong struct {
	Type string  `json:"type"`
	ID   float64 `json:"id"`
}

// answer sends a control message, behind what was sent before.
func (c *conn) answer(v any) { c.outbox.Control(&c.member, hub.AppendControl(nil, v)) }

// inRoom says whether the connection may ask about a room.
func (c *conn) inRoom(room string) error {
	if !validName(room) {
		return refuseControl("INVALID", "room: a name is missing, too long or not clean UTF-8")
	}
	if !c.rt.hub.In(&c.member, room) {
		return refuseControl("NOT_MEMBER", "the connection is not a member of the room")
	}
	return nil
}
