package host

import (
	"net/http"
	"strings"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/store"
	"github.com/azuhost/azuhost/host/internal/timer"
)

// call is one run of a hook. It gathers the effects that the hook asks for and
// applies them in Commit. It implements plugin.Env; the methods of Env are in
// the call_*.go files. A call belongs to the goroutine that runs the hook.
type call struct {
	rt    *routeRuntime
	set   *settings
	hook  abi.Hook
	event plugin.Event

	conn     *conn                    // of the event; nil: none
	req      *http.Request            // the handshake; nil outside on_connect
	query    map[string]string        // first values of the query of req; nil until the hook asks for one
	outbox   *hub.Outbox              // takes what the hook sends
	receipts *[]broker.PendingReceipt // gets a receipt for each message sent over a broker; nil: none is wanted
	meter    plugin.Meter             // takes the fuel that the hook is charged; nil: hooks are free

	effects []effect
	arena   []byte // frames, names and values of the effects

	membership membershipChanges
	timers     map[timer.ID]timerEffect // the last effect on each timer
	newTimers  int                      // timers that the effects add to the route
	newSeries  map[string]struct{}      // of metrics, that the effects add
	tx         store.Tx                 // changes of the store

	failed   bool // the hook has called fail
	failText string
}

// The optional interfaces of plugin.Env: a method by another name would go unnoticed.
var (
	_ plugin.Metered = (*call)(nil)
	_ plugin.Waiter  = (*call)(nil)
	_ plugin.Expirer = (*call)(nil)
)

// timerEffect is the last effect on a timer. Earlier ones are void.
type timerEffect struct {
	set   bool // the hook sets the timer; false: clears it
	index int  // in call.effects
}

type effectKind uint8

const (
	effectSend effectKind = iota
	effectBroadcast
	effectBroadcastAll
	effectSendUser
	effectClose
	effectJoin
	effectLeave
	effectIdentify
	effectSetValue
	effectDeleteValue
	effectTimerSet
	effectTimerClear
	effectMetric
)

// span is a part of call.arena.
type span struct{ from, to int }

func (s span) len() int { return s.to - s.from }

// effect is one thing that a hook asks for.
type effect struct {
	kind   effectKind
	metric abi.MetricOp  // of a metric
	code   int32         // of a close
	conn   *conn         // the connection that it changes or is for; nil: none
	name   span          // of the room, user, key, timer or metric
	data   span          // a frame, a value, labels, or the reason of a close
	except ConnID        // the connection that a broadcast leaves out; 0: none
	after  time.Duration // of a timer
	value  float64       // of a metric
}

func (c *call) bytes(s span) []byte { return c.arena[s.from:s.to] }

// begin prepares a call that reset has cleared.
func (c *call) begin(rt *routeRuntime, set *settings, in *invocation) {
	c.rt, c.set, c.hook, c.event = rt, set, in.event.Hook, in.event
	c.conn, c.req, c.outbox, c.receipts = in.conn, in.req, in.outbox, in.receipts
}

// reset clears c for another hook. It keeps the buffers unless they have grown
// large.
func (c *call) reset() {
	if cap(c.arena) > 64<<10 {
		c.arena = nil
	}
	if cap(c.effects) > 1<<10 {
		c.effects = nil
	}
	clear(c.effects)
	*c = call{arena: c.arena[:0], effects: c.effects[:0]}
}

// effectCount returns the number of effects, changed keys of the store included.
func (c *call) effectCount() int { return len(c.effects) + c.tx.Changes() }

// effectBytes returns the number of bytes that the effects hold.
func (c *call) effectBytes() int { return len(c.arena) + c.tx.Written() }

// add appends an effect. It returns abi.Limit at Limits.HookEffects.
func (c *call) add(e effect) error {
	if c.effectCount() >= c.set.limits.HookEffects {
		return abi.Limit
	}
	c.effects = append(c.effects, e)
	return nil
}

// keep copies p to the arena. It returns abi.Limit at Limits.HookBytes.
func (c *call) keep(p []byte) (span, error) {
	if c.effectBytes()+len(p) > c.set.limits.HookBytes {
		return span{}, abi.Limit
	}
	from := len(c.arena)
	c.arena = append(c.arena, p...)
	return span{from, len(c.arena)}, nil
}

// keepName copies a valid name to the arena.
func (c *call) keepName(b []byte) (span, error) {
	if !naming.Valid(b) {
		return span{}, abi.Invalid
	}
	return c.keep(b)
}

// findConn returns the connection of an id: the event's own, which may have
// left the hub or not joined it yet, or another open one of the route.
func (c *call) findConn(id ConnID) (*conn, error) {
	if c.conn != nil && c.conn.member.ID == id {
		return c.conn, nil
	}
	if m := c.rt.hub.Member(id); m != nil {
		return m.Sink().(*conn), nil
	}
	return nil, abi.NotFound
}

// findConnFor is findConn for a function that also takes a name, which it checks.
func (c *call) findConnFor(id ConnID, name []byte) (*conn, error) {
	conn, err := c.findConn(id)
	if err == nil && !naming.Valid(name) {
		return nil, abi.Invalid
	}
	return conn, err
}

// Log implements plugin.Env. The line is written at once, also if the hook fails
// later.
func (c *call) Log(level abi.Level, text []byte) {
	c.rt.guestLog.WriteLine(c.rt.log, plugin.SlogLevel(level), text, "plugin", c.set.name, "hook", c.hook.String())
}

// Metric implements plugin.Env.
func (c *call) Metric(mop abi.MetricOp, name, labels []byte, value float64) error {
	limit := c.set.limits.MetricSeries - len(c.newSeries)
	series, err := c.rt.appMetrics.Check(mop, name, labels, value, limit, c.newSeries)
	if err != nil {
		return err
	}
	if series != "" {
		if c.newSeries == nil {
			c.newSeries = map[string]struct{}{}
		}
		c.newSeries[series] = struct{}{}
	}
	n, err := c.keepName(name)
	if err != nil {
		return err
	}
	l, err := c.keep(labels)
	if err != nil {
		return err
	}
	return c.add(effect{kind: effectMetric, metric: mop, name: n, data: l, value: value})
}

// Now implements plugin.Env.
func (c *call) Now() time.Time { return c.rt.host.now() }

// maxFailText bounds the text of fail, in bytes.
const maxFailText = 1 << 10

// Fail implements plugin.Env.
func (c *call) Fail(text []byte) {
	c.failed, c.failText = true, strings.ToValidUTF8(string(text[:min(len(text), maxFailText)]), "")
}

// Expired implements plugin.Expirer. The timer of a connection that has ended is
// dropped, also if it was due before and has waited for an instance since.
func (c *call) Expired() bool {
	return c.hook == abi.OnTimer && c.conn != nil && c.rt.hub.Member(c.conn.member.ID) == nil
}
