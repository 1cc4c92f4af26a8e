package host

import (
	"github.com/azuhost/azuhost/host/internal/hub"
)

// recovered answers a client that asks for what it missed.
type recovered struct {
	Type      string  `json:"type"`
	ID        float64 `json:"id"`
	Room      string  `json:"room"`
	Recovered bool    `json:"recovered"`
	Epoch     string  `json:"epoch"`
	Offset    uint64  `json:"offset"`
	Count     int     `json:"count"`
}

// recover sends what was sent to a room after an offset, all of it or none. A client asks for all
// its rooms at once: those whose answers would be too much together are to be asked for again.
// What is sent to the room meanwhile comes as well, with its position, so that
// the client can tell.
func (c *conn) recover(r request) error {
	if r.Offset == nil || r.Epoch == "" {
		return refuseControl("INVALID", "recover: epoch and offset are needed")
	}
	if err := c.inRoom(r.Room); err != nil {
		return err
	}
	if !c.rt.keepsHistory() {
		return refuseControl("NO_HISTORY", "this route keeps no history")
	}
	entries, at, ok, err := c.rt.since(r.Room, r.Epoch, *r.Offset, c.member.ID, r.Conn)
	if err != nil {
		return err
	}
	var messages []byte
	most := c.rt.settings.Load().limits.MaxQueue / 2 // or it would be taken for a slow reader
	for _, e := range entries {
		messages = hub.AppendEntry(messages, r.Room, at.Epoch, e, e.Except != 0)
		if len(messages) > most { // it never fits
			ok, entries, messages = false, nil, nil
			break
		}
	}
	answer := hub.AppendControl(nil, recovered{"recovered", r.ID, r.Room, ok, at.Epoch, at.Offset, len(entries)})
	answer = append(answer, messages...)
	if len(messages) > 0 && len(messages)+c.sock.Staying()+int(c.answering.Load()) > most {
		return refuseControl("UNAVAILABLE", "what was sent before has to be read first: try again later")
	}
	c.rt.metrics.recovered(ok, len(entries))
	c.reply(answer)
	return nil
}

// reply sends an answer that may be long, and counts it until it is in the queue.
func (c *conn) reply(answer []byte) {
	n := int64(len(answer))
	c.answering.Add(n)
	c.outbox.Control(&c.member, answer)
	c.outbox.After(&c.member, func() { c.answering.Add(-n) })
}

// keepsHistory says whether rooms of the route have a history.
func (rt *routeRuntime) keepsHistory() bool { return rt.history.Size > 0 }
