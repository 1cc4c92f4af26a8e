package host

import (
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// Commit implements plugin.Env. It applies the effects in the order in which the
// hook asked for them, all or none. It fails where the hook has called fail.
func (c *call) Commit() error {
	if c.failed {
		return &plugin.HookError{Hook: c.hook, Code: int32(abi.Failed), Text: c.failText}
	}
	if c.needsLimitCheck() {
		c.rt.committing.Lock()
		defer c.rt.committing.Unlock()
		if limit := c.exceededLimit(); limit != "" {
			return &plugin.HookError{
				Hook: c.hook,
				Code: int32(abi.Limit),
				Text: "other hooks have reached " + limit + " meanwhile",
			}
		}
	}
	if err := c.tx.Prepare(); err != nil {
		return &plugin.HookError{Hook: c.hook, Code: int32(abi.Unavailable), Text: err.Error()}
	}
	if c.hook == abi.OnConnect && c.conn != nil {
		c.conn.welcome()
		c.rt.hub.Add(&c.conn.member)
	}
	for i := range c.effects {
		c.apply(i, &c.effects[i])
	}
	c.tx.Commit()
	return nil
}

// Drop implements plugin.Env. It ends the transaction of the store.
func (c *call) Drop() { c.tx.Rollback() }

// needsLimitCheck reports whether the hook has effects with a limit that hooks
// running at the same time may have reached since each effect was added. The
// effects of on_load, which may wait for the store, are not checked again.
func (c *call) needsLimitCheck() bool {
	return (len(c.membership.conns) > 0 || len(c.timers) > 0) && !c.tx.Deferred
}

// exceededLimit names the limit that the effects would exceed, empty for none.
// A limit that was lowered below the present number is not exceeded by effects
// that add nothing. routeRuntime.committing is held.
func (c *call) exceededLimit() string {
	l := &c.set.limits
	if n := c.rt.timers.Len(); n+c.addedTimers() > max(l.Timers, n) {
		return "limits.timers"
	}
	if n := c.rt.hub.Presences(); n+c.membership.presences > max(l.Presences, n) {
		return "limits.presences"
	}
	for conn, m := range c.membership.conns {
		if now, after := c.rt.hub.RoomsAfter(&conn.member, m.in); after > max(l.MaxRoomsPerConnection, now) {
			return "limits.max_rooms_per_connection"
		}
		if now, after := conn.values.SizeAfter(c.valueSizes(m)); after > max(l.ValueBytes, now) {
			return "limits.value_bytes"
		}
	}
	return ""
}

// apply applies the effect at an index.
func (c *call) apply(index int, e *effect) {
	switch e.kind {
	case effectSend:
		c.outbox.Send(&e.conn.member, c.bytes(e.data))
	case effectBroadcast:
		c.sendToRoom(c.bytes(e.name), c.bytes(e.data), e.except)
	case effectBroadcastAll:
		c.sendToAll(c.bytes(e.data), e.except)
	case effectSendUser:
		c.sendToUser(c.bytes(e.name), c.bytes(e.data))
	case effectClose:
		closeMember(c.outbox, &e.conn.member, int(e.code), string(c.bytes(e.data)))
	case effectJoin:
		c.rt.hub.Join(&e.conn.member, string(c.bytes(e.name)))
	case effectLeave:
		room := string(c.bytes(e.name))
		c.rt.hub.Leave(&e.conn.member, room)
		c.rt.subscribers.remove(room, e.conn)
	case effectIdentify:
		c.rt.hub.Identify(&e.conn.member, string(c.bytes(e.name)))
	case effectSetValue:
		e.conn.values.Set(string(c.bytes(e.name)), c.bytes(e.data))
	case effectDeleteValue:
		e.conn.values.Delete(c.bytes(e.name))
	case effectTimerSet, effectTimerClear:
		c.commitTimer(index, e)
	case effectMetric:
		limit := c.rt.settings.Load().limits.MetricSeries
		c.rt.appMetrics.Apply(e.metric, string(c.bytes(e.name)), string(c.bytes(e.data)), e.value, limit)
	}
}

// commitRefused sends what on_connect has sent to its own connection, before the
// close with which it has refused. It drops all other effects.
func (c *call) commitRefused() {
	for i := range c.effects {
		if e := &c.effects[i]; e.kind == effectSend && e.conn == c.conn {
			c.conn.deliverData(c.bytes(e.data))
		}
	}
}
