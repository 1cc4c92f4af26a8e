package host

import "github.com/azuhost/azuhost/host/internal/frame"

// recoveredMessage answers recover. The missed messages follow it.
type recoveredMessage struct {
	Type      string  `json:"type"`
	ID        float64 `json:"id"`
	Room      string  `json:"room"`
	Recovered bool    `json:"recovered"`
	Epoch     string  `json:"epoch"`
	Offset    uint64  `json:"offset"`
	Count     int     `json:"count"`
}

// recover sends the messages of a room after an offset, all of them or none.
// Messages that are sent to the room meanwhile are delivered as well, with their
// positions. A client asks for all its rooms at once; where the answers together
// exceed half of the queue, it has to ask again for the rest.
func (c *conn) recover(r controlRequest) error {
	if r.Offset == nil || r.Epoch == "" {
		return refuseControl("INVALID", "recover: epoch and offset are needed")
	}
	if err := c.checkMember(r.Room); err != nil {
		return err
	}
	if !c.rt.keepsHistory() {
		return refuseControl("NO_HISTORY", "this route keeps no history")
	}
	entries, at, ok, err := c.rt.missedSince(r.Room, r.Epoch, *r.Offset, c.member.ID, r.Conn)
	if err != nil {
		return err
	}
	var messages []byte
	limit := c.rt.settings.Load().limits.MaxQueue / 2 // a full queue closes the connection
	for _, e := range entries {
		messages = frame.AppendMissed(
			messages,
			r.Room,
			frame.Position{Epoch: at.Epoch, Offset: e.Offset},
			e.Frame,
			e.Except != 0,
		)
		if len(messages) > limit { // no later try could send them
			ok, entries, messages = false, nil, nil
			break
		}
	}
	answer := frame.AppendControl(nil, recoveredMessage{"recovered", r.ID, r.Room, ok, at.Epoch, at.Offset, len(entries)})
	answer = append(answer, messages...)
	if len(messages) > 0 && len(messages)+c.sock.Undroppable()+int(c.answering.Load()) > limit {
		return refuseControl("UNAVAILABLE", "what was sent before has to be read first: try again later")
	}
	c.rt.metrics.recovered(ok, len(entries))
	c.sendLong(answer)
	return nil
}

// sendLong sends an answer that may be long. c.answering counts it until it is in
// the queue of the socket.
func (c *conn) sendLong(answer []byte) {
	n := int64(len(answer))
	c.answering.Add(n)
	c.outbox.SendRaw(&c.member, answer)
	c.outbox.After(&c.member, func() { c.answering.Add(-n) })
}

// keepsHistory reports whether the rooms of the route have a history.
func (rt *routeRuntime) keepsHistory() bool { return rt.history.Size > 0 }
