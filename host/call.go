package host

import (
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// call is one run of a hook: it gathers what the hook asks for and makes it
// happen in Commit. It implements Env.
type call struct {
	rt     *routeRuntime
	set    *settings
	hook   abi.Hook
	ev     Event
	conn   *conn         // the event's; nil: none
	req    *http.Request // in on_connect
	outbox *hub.Outbox
	// receipts gets those of what is sent over a broker; nil: nobody asks for them.
	receipts *[]broker.Pending
	arena    []byte // encoded frames, names and values of ops
	ops      []op
	moved    bool // ops has one that changes rooms or users
	moves    moves
	meter    plugin.Meter // nil: the hook does not pay
	query    url.Values   // of req, once it was asked for

	armed     map[timerID]arming  // the last op about a timer
	newTimers int                 // by how many timers the channel will have more
	newSeries map[string]struct{} // of metrics that are not there yet

	tx       storeTx
	failed   bool
	failText string
}

// arming is what a hook does with a timer in the end: ops before it are void.
type arming struct {
	on bool
	op int // index in ops
}

type opKind uint8

const (
	opSend opKind = iota
	opBroadcast
	opBroadcastAll
	opSendUser
	opClose
	opJoin
	opLeave
	opIdentify
	opSetValue
	opDeleteValue
	opTimerSet
	opTimerClear
	opMetric
)

// span is a part of the arena.
type span struct{ from, to int }

// op is one effect.
type op struct {
	kind   opKind
	metric abi.MetricOp
	conn   *conn   // the connection it is about
	name   span    // room, user, key, timer, metric or reason
	data   span    // frame, value or labels
	except uint64  // of broadcasts; the code of a close
	num    float64 // of metrics; nanoseconds of timers
}

func (c *call) bytes(s span) []byte { return c.arena[s.from:s.to] }

// reset makes c ready for another hook and keeps its buffers, unless they grew large.
func (c *call) reset() {
	if cap(c.arena) > 64<<10 {
		c.arena = nil
	}
	if cap(c.ops) > 1<<10 {
		c.ops = nil
	}
	clear(c.ops)
	*c = call{arena: c.arena[:0], ops: c.ops[:0]}
}

// effects is how many things the hook has asked for.
func (c *call) effects() int { return len(c.ops) + len(c.tx.keys) }

// kept is how many bytes it has.
func (c *call) kept() int { return len(c.arena) + c.tx.written }

// add gathers an effect.
func (c *call) add(o op) error {
	if c.effects() >= c.set.limits.HookEffects {
		return abi.Limit
	}
	c.ops = append(c.ops, o)
	return nil
}

// keep copies p to the arena.
func (c *call) keep(p []byte) (span, error) {
	if c.kept()+len(p) > c.set.limits.HookBytes {
		return span{}, abi.Limit
	}
	from := len(c.arena)
	c.arena = append(c.arena, p...)
	return span{from, len(c.arena)}, nil
}

// frame encodes a message in the arena.
func (c *call) frame(kind abi.Kind, data []byte) (span, error) {
	switch {
	case !kind.Valid(), kind == abi.Text && !utf8.Valid(data):
		return span{}, abi.Invalid
	case c.kept()+len(data)+10 > c.set.limits.HookBytes:
		return span{}, abi.Limit
	}
	from := len(c.arena)
	c.arena = hub.AppendFrame(c.arena, kind, data)
	return span{from, len(c.arena)}, nil
}

func (c *call) name(b []byte) (span, error) {
	if !validName(b) {
		return span{}, abi.Invalid
	}
	return c.keep(b)
}

// find gives the connection with an id: the event's own, also when it is not
// in the hub yet or any more, or another that is open.
func (c *call) find(id uint64) (*conn, error) {
	if c.conn != nil && c.conn.member.ID == id {
		return c.conn, nil
	}
	if m := c.rt.hub.Member(id); m != nil {
		return m.Sink().(*conn), nil
	}
	return nil, abi.NotFound
}

// findNamed is find for what also has the name of a room or of a key.
func (c *call) findNamed(id uint64, name []byte) (*conn, error) {
	conn, err := c.find(id)
	if err == nil && !validName(name) {
		return nil, abi.Invalid
	}
	return conn, err
}

// Send implements Env.
func (c *call) Send(id uint64, kind abi.Kind, data []byte) error {
	conn, err := c.find(id)
	if err != nil {
		return err
	}
	f, err := c.frame(kind, data)
	if err != nil {
		return err
	}
	return c.add(op{kind: opSend, conn: conn, data: f})
}

// Broadcast implements Env.
func (c *call) Broadcast(room []byte, kind abi.Kind, data []byte, except uint64) error {
	return c.sendNamed(opBroadcast, room, kind, data, except)
}

// SendUser implements Env.
func (c *call) SendUser(user []byte, kind abi.Kind, data []byte) error {
	return c.sendNamed(opSendUser, user, kind, data, 0)
}

func (c *call) sendNamed(k opKind, name []byte, kind abi.Kind, data []byte, except uint64) error {
	n, err := c.name(name)
	if err != nil {
		return err
	}
	f, err := c.frame(kind, data)
	if err != nil {
		return err
	}
	return c.add(op{kind: k, name: n, data: f, except: except})
}

// BroadcastAll implements Env.
func (c *call) BroadcastAll(kind abi.Kind, data []byte, except uint64) error {
	f, err := c.frame(kind, data)
	if err != nil {
		return err
	}
	return c.add(op{kind: opBroadcastAll, data: f, except: except})
}

// SendUsers implements Env. The frame is encoded once; it goes to all users or,
// if there is an error, to none.
func (c *call) SendUsers(users []byte, kind abi.Kind, data []byte) (err error) {
	ops, arena := len(c.ops), len(c.arena)
	defer func() {
		if err != nil {
			c.ops, c.arena = c.ops[:ops], c.arena[:arena]
		}
	}()
	f, err := c.frame(kind, data)
	if err != nil {
		return err
	}
	for user := range lines(users) {
		n, err := c.name(user)
		if err != nil {
			return err
		}
		if err := c.add(op{kind: opSendUser, name: n, data: f}); err != nil {
			return err
		}
	}
	return nil
}

// CloseConn implements Env.
func (c *call) CloseConn(id uint64, code int32, reason []byte) error {
	if !validCloseCode(int(code)) || len(reason) > abi.MaxCloseReason || !utf8.Valid(reason) {
		return abi.Invalid
	}
	conn, err := c.find(id)
	if err != nil {
		return err
	}
	r, err := c.keep(reason)
	if err != nil {
		return err
	}
	return c.add(op{kind: opClose, conn: conn, name: r, except: uint64(code)})
}

// TimerSet implements Env.
func (c *call) TimerSet(id uint64, name []byte, after time.Duration) error {
	if after < 0 {
		return abi.Invalid
	}
	t := timerID{id, string(name)}
	is := c.isArmed(t)
	if !is && c.rt.timers.len()+c.newTimers >= c.set.limits.Timers {
		return abi.Limit
	}
	if err := c.timer(op{kind: opTimerSet, num: min(float64(after), maxTimer)}, id, name); err != nil {
		return err
	}
	if !is {
		c.newTimers++
	}
	c.armed[t] = arming{true, len(c.ops) - 1}
	return nil
}

// maxTimer is about 146 years, which a Duration holds however it is rounded.
const maxTimer = 1 << 62

// TimerClear implements Env.
func (c *call) TimerClear(id uint64, name []byte) error {
	t := timerID{id, string(name)}
	switch {
	case !validName(name):
		return abi.Invalid
	case !c.isArmed(t):
		return abi.NotFound
	}
	if err := c.timer(op{kind: opTimerClear}, id, name); err != nil {
		return err
	}
	c.newTimers--
	c.armed[t] = arming{false, len(c.ops) - 1}
	return nil
}

// isArmed says whether a timer is set, as the hook sees it.
func (c *call) isArmed(t timerID) bool {
	if c.armed == nil {
		c.armed = map[timerID]arming{}
	}
	if a, ok := c.armed[t]; ok {
		return a.on
	}
	return c.rt.timers.has(t)
}

func (c *call) timer(o op, id uint64, name []byte) (err error) {
	if id != 0 {
		if o.conn, err = c.find(id); err != nil {
			return err
		}
	}
	if o.name, err = c.name(name); err != nil {
		return err
	}
	return c.add(o)
}

// Metric implements Env.
func (c *call) Metric(mop abi.MetricOp, name, labels []byte, value float64) error {
	series, err := c.rt.host.appMetrics.check(c.rt, mop, name, labels, value, c.set.limits.MetricSeries-len(c.newSeries), c.newSeries)
	if err != nil {
		return err
	}
	if series != "" {
		if c.newSeries == nil {
			c.newSeries = map[string]struct{}{}
		}
		c.newSeries[series] = struct{}{}
	}
	n, err := c.name(name)
	if err != nil {
		return err
	}
	l, err := c.keep(labels)
	if err != nil {
		return err
	}
	return c.add(op{kind: opMetric, metric: mop, name: n, data: l, num: value})
}

// Now implements Env.
func (c *call) Now() time.Time { return c.rt.host.now() }

// Fail implements Env.
func (c *call) Fail(text []byte) {
	c.failed, c.failText = true, strings.ToValidUTF8(string(text[:min(len(text), 1<<10)]), "")
}
