// Package azutest runs a channel without WebAssembly and without sockets, to test its logic with go test:
//
//	func TestEcho(t *testing.T) {
//		host := azutest.New(t, azutest.Options{Path: "/echo"})
//		alice := host.Connect("/echo?name=alice")
//		alice.Send("hello")
//		alice.Expect("hello")
//	}
//
// A Host keeps connections, rooms, users, presence, values, the store, timers and metrics in memory, by the rules of
// the ABI: hooks are atomic, reads see the hook's own writes, and names are checked. It does not have the limits that
// an operator sets. Its time stands still until [Host.Advance]. A hook that fails also fails the test, unless the test
// takes the failure with [Host.Failures].
package azutest

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/internal/hook"
	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// Options describe the route of a channel. The zero value works.
type Options struct {
	// Path is the pattern of the route, such as "/rooms/:id". Empty accepts any path, without parameters.
	Path string
	// Config is the argument of OnLoad. Empty means "{}".
	Config string
	// Channel is the channel. nil means the one of azu.Register.
	Channel azu.Channel
	// PresenceGrace is the time for which a user stays present after the user's last connection has closed. 0 means
	// 15 s; a negative value means no time.
	PresenceGrace time.Duration
}

// Start is the time at which the clock of a Host begins.
var Start = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// Host is a fake host with one route. One goroutine at a time may use a Host and its clients. Tests with different
// Hosts may run in parallel.
type Host struct {
	t    testing.TB
	opts Options
	now  time.Time

	lastID  uint64
	clients map[uint64]*Client
	closing map[uint64]closeFrame // connections that a hook has closed, and whose on_close has not run yet

	users    map[uint64]string
	rooms    map[uint64][]string // in the order of joining; the slices are never changed in place
	presence map[presence]time.Time
	values   map[connKey]string
	store    map[string]storeEntry
	timers   map[connKey]time.Time

	logs     []Line
	metrics  metrics
	failures []string
}

// connKey is a name that belongs to a connection, or to the channel if conn is 0.
type connKey struct {
	conn uint64
	name string
}

// storeEntry is a value in the store. It expires at until, unless that is zero.
type storeEntry struct {
	data  string
	until time.Time
}

type closeFrame struct {
	code   int
	reason string
}

// Line is a line that the channel has logged.
type Line struct {
	Level azu.Level
	Text  string
}

// New returns a Host that has loaded the channel. The test fails if OnLoad returns an error.
func New(t testing.TB, o Options) *Host {
	t.Helper()
	h, err := Load(t, o)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

// Load is New with the error of OnLoad.
func Load(t testing.TB, o Options) (*Host, error) {
	if o.Config == "" {
		o.Config = "{}"
	}
	if o.PresenceGrace == 0 {
		o.PresenceGrace = 15 * time.Second
	}
	h := &Host{
		t: t, opts: o, now: Start,
		clients:  map[uint64]*Client{},
		closing:  map[uint64]closeFrame{},
		users:    map[uint64]string{},
		rooms:    map[uint64][]string{},
		presence: map[presence]time.Time{},
		values:   map[connKey]string{},
		store:    map[string]storeEntry{},
		timers:   map[connKey]time.Time{},
		metrics:  metrics{kinds: map[string]metricKind{}, values: map[string]float64{}},
	}
	if tx := h.run(event{data: o.Config}, hook.Load); tx.failed() {
		h.failures = nil
		return nil, errors.New(tx.reason())
	}
	h.settle()
	t.Cleanup(func() {
		for _, f := range h.failures {
			t.Errorf("azutest: a hook failed: %s", f)
		}
	})
	return h, nil
}

// running serializes the hooks of all Hosts of a program, which share the inbox of the package azu.
var running sync.Mutex

// run calls a hook with the length of the event's data. It undoes the effects of the hook if the hook fails.
func (h *Host) run(ev event, call func(n uint32) int32) *tx {
	running.Lock()
	defer running.Unlock()
	if h.opts.Channel != nil {
		before := hook.Use(h.opts.Channel)
		defer hook.Use(before)
	}
	hook.Version()
	tx := &tx{Host: h, event: ev}
	raw.Current = tx
	defer func() { raw.Current = nil }()
	inbox := hook.Inbox()[:min(len(ev.data), len(hook.Inbox()))]
	if len(ev.data) <= len(hook.Inbox()) {
		copy(inbox, ev.data)
	}
	tx.code = call(uint32(len(ev.data)))
	clear(inbox) // a channel that keeps event data without a copy then fails its test
	if tx.failed() {
		tx.rollback()
		h.failures = append(h.failures, tx.reason())
		return tx
	}
	for _, o := range tx.observations {
		h.metrics.apply(o)
	}
	return tx
}

// handle runs a hook and delivers its messages. It returns whether the hook succeeded.
func (h *Host) handle(ev event, call func(n uint32) int32) (ok bool) {
	tx := h.run(ev, call)
	if tx.failed() {
		return false
	}
	h.deliver(tx.sent)
	h.settle()
	return true
}

// forgetFailure removes the last failure from the list of those that fail the test.
func (h *Host) forgetFailure() { h.failures = h.failures[:len(h.failures)-1] }

func (h *Host) deliver(sent []delivery) {
	for _, d := range sent {
		if d.to.open {
			d.to.received = append(d.to.received, d.message)
		}
	}
}

// settle closes the connections that hooks have closed, and announces changes of presence, until there are none left.
func (h *Host) settle() {
	for {
		for _, id := range sortedIDs(h.closing) {
			frame := h.closing[id]
			delete(h.closing, id)
			if c := h.clients[id]; c != nil {
				c.end(frame)
			}
		}
		if !h.announcePresence() && len(h.closing) == 0 {
			return
		}
	}
}

// Publish publishes a message from outside. If the channel has OnPublish, it decides about the message; the error is a
// *Refused if it refuses the message.
func (h *Host) Publish(to azu.Target, m azu.Message) error {
	if !hook.HasPublish || !h.handlesPublish() {
		return h.sendTo(to, m)
	}
	target := "all\n"
	switch {
	case to.Room != "":
		target = "room\n" + string(to.Room)
	case to.User != "":
		target = "user\n" + string(to.User)
	}
	ev := event{data: target + "\n" + string(m.Data)}
	tx := h.run(ev, func(n uint32) int32 { return hook.Publish(n, int32(m.Kind)) })
	switch {
	case !tx.failed():
		h.deliver(tx.sent)
		h.settle()
		return nil
	case tx.refused(400, 599):
		h.forgetFailure()
		return &Refused{int(tx.code)}
	}
	return &Refused{500}
}

// handlesPublish returns whether the channel has OnPublish.
func (h *Host) handlesPublish() bool {
	running.Lock()
	defer running.Unlock()
	ch := any(h.opts.Channel)
	if h.opts.Channel == nil {
		ch = hook.Use(nil)
		hook.Use(ch)
	}
	_, ok := ch.(azu.PublishHandler)
	return ok
}

// sendTo sends a message from outside to its target.
func (h *Host) sendTo(to azu.Target, m azu.Message) error {
	tx := h.run(event{}, func(uint32) int32 {
		if err := to.Send(m); err != nil {
			return int32(err.(azu.Errno))
		}
		return 0
	})
	if tx.failed() {
		h.forgetFailure()
		return azu.Errno(tx.code)
	}
	h.deliver(tx.sent)
	return nil
}

// Now returns the Host's time.
func (h *Host) Now() time.Time { return h.now }

// Advance advances the Host's time by d. Timers fire, and graces of presence end, each at its time and in order.
func (h *Host) Advance(d time.Duration) {
	end := h.now.Add(d)
	for {
		at, act := h.next()
		if act == nil || at.After(end) {
			break
		}
		if at.After(h.now) {
			h.now = at
		}
		act()
	}
	h.now = end
}

// next returns the next timer or end of a grace: its time, and a function that performs it. The function is nil if
// there is none.
func (h *Host) next() (at time.Time, act func()) {
	for _, k := range sortedKeys(h.timers) {
		if t := h.timers[k]; act == nil || t.Before(at) {
			at, act = t, func() { h.fire(k) }
		}
	}
	for _, until := range h.presence {
		if !until.IsZero() && (act == nil || until.Before(at)) {
			at, act = until, h.settle
		}
	}
	return at, act
}

// fire runs the hook of a timer.
func (h *Host) fire(timer connKey) {
	delete(h.timers, timer)
	ev := event{conn: timer.conn, data: timer.name, hook: onTimer}
	h.handle(ev, func(n uint32) int32 { return hook.Timer(timer.conn, n) })
}

// Failures returns the errors of the hooks that have failed since the last call.
func (h *Host) Failures() []string {
	f := h.failures
	h.failures = nil
	return f
}

// Logs returns the lines that the channel has logged.
func (h *Host) Logs() []Line { return h.logs }

// Metric returns a metric: the sum of a counter, the value of a gauge, or the last observation of a histogram. It
// returns 0 if there is no metric with these labels.
func (h *Host) Metric(name string, labels ...azu.Label) float64 { return h.metrics.get(name, labels) }

// Stored returns a value of the store.
func (h *Host) Stored(key string) (value string, ok bool) {
	e, ok := h.storeEntry(key)
	return e.data, ok
}

// storeEntry returns a value of the store that has not expired.
func (h *Host) storeEntry(key string) (storeEntry, bool) {
	e, ok := h.store[key]
	if !ok || !e.until.IsZero() && !h.now.Before(e.until) {
		return storeEntry{}, false
	}
	return e, true
}

// match returns the parameters of a path. It returns an error if the path does not match the route's.
func (h *Host) match(path string) (params map[string]string, err error) {
	params = map[string]string{}
	if h.opts.Path == "" {
		return params, nil
	}
	want, got := strings.Split(h.opts.Path, "/"), strings.Split(path, "/")
	if len(want) != len(got) {
		return nil, fmt.Errorf("azutest: the path %s does not match %s", path, h.opts.Path)
	}
	for i, w := range want {
		name, isParam := strings.CutPrefix(w, ":")
		if isParam && got[i] != "" {
			params[name] = got[i]
		} else if w != got[i] {
			return nil, fmt.Errorf("azutest: the path %s does not match %s", path, h.opts.Path)
		}
	}
	return params, nil
}
