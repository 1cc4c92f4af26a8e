package host

import (
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Commit implements Env: the effects happen, in the order in which the hook
// asked for them. A hook that called Fail fails here.
func (c *call) Commit() error {
	if c.failed {
		return &plugin.HookError{Hook: c.hook, Code: int32(abi.Failed), Text: c.failText}
	}
	if c.bounded() {
		c.rt.committing.Lock()
		defer c.rt.committing.Unlock()
		if what := c.tooMuch(); what != "" {
			return &plugin.HookError{Hook: c.hook, Code: int32(abi.Limit), Text: "other hooks have reached " + what + " meanwhile"}
		}
	}
	if err := c.tx.save(); err != nil {
		return &plugin.HookError{Hook: c.hook, Code: int32(abi.Unavailable), Text: err.Error()}
	}
	if c.hook == abi.OnConnect && c.conn != nil {
		c.conn.welcome()
		c.rt.hub.Add(&c.conn.member)
	}
	for i := range c.ops {
		c.commit(i, &c.ops[i])
	}
	c.tx.commit()
	return nil
}

// Drop implements Env: the effects are forgotten, and the store is free for others.
func (c *call) Drop() { c.tx.end() }

// bounded says whether the hook has asked for what has limits that others may have
// reached since it was asked for, where hooks run at the same time. on_load, which may
// wait for the right to write to the store, is not held to that.
func (c *call) bounded() bool {
	return (len(c.moves.conns) > 0 || len(c.armed) > 0) && !c.tx.late
}

// tooMuch names the limit that would be passed if the effects happened; empty: none.
// channel.committing is held, so that nothing is added meanwhile.
func (c *call) tooMuch() string {
	l := &c.set.limits
	if n := c.rt.timers.len(); n+c.newlyArmed() > max(l.Timers, n) {
		return "limits.timers"
	}
	if n := c.rt.hub.Presences(); n+c.moves.presences > max(l.Presences, n) {
		return "limits.presences"
	}
	for conn, m := range c.moves.conns {
		if now, then := c.rt.hub.RoomsAfter(&conn.member, m.to); then > max(l.MaxRoomsPerConnection, now) {
			return "limits.max_rooms_per_connection"
		}
		if now, then := conn.values.after(c, m.values); then > max(l.ValueBytes, now) {
			return "limits.value_bytes"
		}
	}
	return ""
}

// newlyArmed is by how many timers the channel will have more.
func (c *call) newlyArmed() (n int) {
	for id, a := range c.armed {
		switch is := c.rt.timers.has(id); {
		case a.on && !is:
			n++
		case is && !a.on:
			n--
		}
	}
	return n
}

func (c *call) commit(i int, o *op) {
	h := c.rt.hub
	switch o.kind {
	case opSend:
		c.outbox.Send(&o.conn.member, c.bytes(o.data))
	case opBroadcast:
		c.toRoom(c.bytes(o.name), c.bytes(o.data), o.except)
	case opBroadcastAll:
		c.toAll(c.bytes(o.data), o.except)
	case opSendUser:
		c.toUser(c.bytes(o.name), c.bytes(o.data))
	case opClose:
		conn, code, reason := o.conn, int(o.except), string(c.bytes(o.name))
		conn.ending.Store(true)
		c.outbox.After(&conn.member, func() { conn.sock.Close(code, reason) })
	case opJoin:
		if err := h.Join(&o.conn.member, string(c.bytes(o.name))); err != nil {
			c.rt.log.Warn("join", "err", err)
		}
	case opLeave:
		room := string(c.bytes(o.name))
		h.Leave(&o.conn.member, room)
		c.rt.subscribers.remove(room, o.conn)
	case opIdentify:
		h.Identify(&o.conn.member, string(c.bytes(o.name)))
	case opSetValue:
		o.conn.values.set(string(c.bytes(o.name)), c.bytes(o.data))
	case opDeleteValue:
		o.conn.values.delete(c.bytes(o.name))
	case opTimerSet, opTimerClear:
		c.commitTimer(i, o)
	case opMetric:
		c.rt.host.appMetrics.apply(c.rt, o.metric, string(c.bytes(o.name)), string(c.bytes(o.data)), o.num)
	}
}

// commitTimer sets or clears a timer, but only as the hook has it in the end:
// one that is due at once would fire before the next op can clear it.
func (c *call) commitTimer(i int, o *op) {
	id := timerID{name: string(c.bytes(o.name))}
	if o.conn != nil {
		id.conn = o.conn.member.ID
	}
	switch {
	case c.armed[id].op != i:
	case o.kind == opTimerSet:
		c.rt.setTimer(o.conn, id.name, max(time.Duration(o.num), leastDelay(c.hook)))
	default:
		c.rt.clearTimer(o.conn, id.name)
	}
}

// commitRefused delivers what on_connect sent to its own connection, before
// the close with which it refused. Everything else is dropped.
func (c *call) commitRefused() {
	for i := range c.ops {
		if o := &c.ops[i]; o.kind == opSend && o.conn == c.conn {
			c.conn.deliverData(c.bytes(o.data))
		}
	}
}
