// Package azutest runs a channel without Wasm and without sockets, so that its
// logic can be tested with go test:
//
//	func TestEcho(t *testing.T) {
//		host := azutest.New(t, azutest.Options{Path: "/echo"})
//		alice := host.Connect("/echo?name=alice")
//		alice.Send("hello")
//		alice.Expect("hello")
//	}
//
// A Host keeps connections, rooms, users, presence, values, the store and
// timers in memory, by the rules of the ABI: hooks are atomic, reads see the
// hook's own writes, names are checked. It does not have the limits that an
// operator sets. Time stands still until [Host.Advance]. The test fails if a
// hook failed and the test did not ask for it with [Host.Failures].
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
	// Path is the pattern of the route. Empty: any path, no parameters.
	Path string
	// Config is what OnLoad gets. Empty: "{}".
	Config string
	// Channel is what to run. nil: the one given to azu.Register.
	Channel azu.Channel
	// PresenceGrace is how long a user stays present after the last
	// connection went. 0: 15 s. Negative: none.
	PresenceGrace time.Duration
}

// Start is the time at which a Host begins.
var Start = time.Date(2030, 1, 1, 12, 0, 0, 0, time.UTC)

// Host is a simulated host with one route. Its methods, and those of its
// clients, are for one goroutine. Tests with Hosts of their own may run in
// parallel.
type Host struct {
	t    testing.TB
	opts Options
	now  time.Time

	lastID   uint64
	clients  map[uint64]*Client
	user     map[uint64]string
	rooms    map[uint64][]string // in the order of joining; never changed in place
	values   map[place]string
	store    map[string]entry
	timers   map[place]time.Time
	presence map[presence]time.Time // until when; zero: connected
	closing  map[uint64]farewell

	logs     []Line
	metrics  map[string]float64
	failures []string
}

// place is a name that belongs to a connection, or to 0.
type place struct {
	conn uint64
	name string
}

// entry is a value in the store; until is zero for one without end.
type entry struct {
	data  string
	until time.Time
}

// presence is a user in a room, or in the channel if room is empty.
type presence struct{ room, user string }

type farewell struct {
	code   int
	reason string
}

// Line is a line that the channel logged.
type Line struct {
	Level azu.Level
	Text  string
}

// New makes a Host and loads the channel. The test fails if OnLoad does.
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
		user:     map[uint64]string{},
		rooms:    map[uint64][]string{},
		values:   map[place]string{},
		store:    map[string]entry{},
		timers:   map[place]time.Time{},
		presence: map[presence]time.Time{},
		closing:  map[uint64]farewell{},
		metrics:  map[string]float64{},
	}
	if tx := h.run(0, o.Config, func(n uint32) int32 { return hook.Load(n) }); tx.failed() {
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

// running makes hooks run one at a time, as they do in an instance.
var running sync.Mutex

// run calls a hook. Its effects are undone if it fails.
func (h *Host) run(conn uint64, event string, call func(n uint32) int32) *tx {
	running.Lock()
	defer running.Unlock()
	if h.opts.Channel != nil {
		before := hook.Use(h.opts.Channel)
		defer hook.Use(before)
	}
	hook.Version()
	tx := &tx{Host: h, conn: conn, event: event}
	tx.dial = conn != 0 && h.clients[conn] != nil && h.clients[conn].dialing
	raw.Current = tx
	defer func() { raw.Current = nil }()
	if len(event) <= len(hook.Inbox()) {
		copy(hook.Inbox(), event)
	}
	tx.code = call(uint32(len(event)))
	clear(hook.Inbox()[:min(len(event), len(hook.Inbox()))]) // so that a test finds what was kept without a copy
	if tx.failed() {
		for i := len(tx.undo) - 1; i >= 0; i-- {
			tx.undo[i]()
		}
		h.failures = append(h.failures, tx.reason())
	}
	return tx
}

// handle runs a hook and does what it asked for.
func (h *Host) handle(conn uint64, event string, call func(n uint32) int32) (ok bool) {
	tx := h.run(conn, event, call)
	if tx.failed() {
		return false
	}
	h.deliver(tx.sent)
	h.settle()
	return true
}

func (h *Host) deliver(sent []delivery) {
	for _, d := range sent {
		if d.to.open {
			d.to.received = append(d.to.received, d.message)
		}
	}
}

// settle closes what is to be closed and tells who came and went, until
// nothing is left to do.
func (h *Host) settle() {
	for {
		for _, id := range sorted(h.closing) {
			bye := h.closing[id]
			delete(h.closing, id)
			if c := h.clients[id]; c != nil {
				c.end(bye.code, bye.reason)
			}
		}
		if !h.tellPresence() && len(h.closing) == 0 {
			return
		}
	}
}

// Publish publishes a message to a target, as from outside. A channel with
// OnPublish is in charge of it; the error is a *Refused if it did not want it.
func (h *Host) Publish(to azu.Target, m azu.Message) error {
	if !hook.HasPublish || !h.handlesPublish() {
		return h.sendTo(to, m)
	}
	word, name := "all", ""
	switch {
	case to.Room != "":
		word, name = "room", string(to.Room)
	case to.User != "":
		word, name = "user", string(to.User)
	}
	tx := h.run(0, word+"\n"+name+"\n"+string(m.Data), func(n uint32) int32 { return hook.Publish(n, int32(m.Kind)) })
	switch {
	case !tx.failed():
		h.deliver(tx.sent)
		h.settle()
		return nil
	case tx.text == nil && tx.code >= 400 && tx.code < 600:
		h.failures = h.failures[:len(h.failures)-1] // it was meant
		return &Refused{int(tx.code)}
	}
	return &Refused{500}
}

// handlesPublish says whether the channel has OnPublish.
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

// sendTo is what a host does with a message where nobody is asked.
func (h *Host) sendTo(to azu.Target, m azu.Message) error {
	tx := h.run(0, "", func(uint32) int32 {
		if err := to.Send(m); err != nil {
			return int32(err.(azu.Errno))
		}
		return 0
	})
	if tx.failed() {
		h.failures = h.failures[:len(h.failures)-1]
		return azu.Errno(tx.code)
	}
	h.deliver(tx.sent)
	return nil
}

// Now is the Host's time.
func (h *Host) Now() time.Time { return h.now }

// Advance moves the time on. Timers and graces that end meanwhile do so in
// order, each at its time.
func (h *Host) Advance(d time.Duration) {
	end := h.now.Add(d)
	for {
		at, due := h.next()
		if due == nil || at.After(end) {
			break
		}
		if at.After(h.now) {
			h.now = at
		}
		due()
	}
	h.now = end
}

// next is what has to happen next, and when.
func (h *Host) next() (at time.Time, due func()) {
	var first place
	for _, p := range places(h.timers) {
		if t := h.timers[p]; due == nil || t.Before(at) {
			at, first = t, p
			due = func() {
				delete(h.timers, first)
				h.handle(first.conn, first.name, func(n uint32) int32 { return hook.Timer(first.conn, n) })
			}
		}
	}
	for _, until := range h.presence {
		if !until.IsZero() && (due == nil || until.Before(at)) {
			at, due = until, h.settle
		}
	}
	return at, due
}

// Failures gives the errors of the hooks that failed since the last call.
func (h *Host) Failures() []string {
	f := h.failures
	h.failures = nil
	return f
}

// Logs gives the lines that the channel logged.
func (h *Host) Logs() []Line { return h.logs }

// Metric gives a metric: the sum of a counter, the value of a gauge, the last
// observation of a histogram. Labels are in the order in which they were given.
func (h *Host) Metric(name string, labels ...azu.Label) float64 {
	for _, l := range labels {
		name += "\n" + l.Name + "=" + l.Value
	}
	return h.metrics[name]
}

// Stored gives a value of the store.
func (h *Host) Stored(key string) (value string, ok bool) {
	e, ok := h.stored(key)
	return e.data, ok
}

func (h *Host) stored(key string) (entry, bool) {
	e, ok := h.store[key]
	if !ok || !e.until.IsZero() && !h.now.Before(e.until) {
		return entry{}, false
	}
	return e, true
}

// match finds the parameters of a path, or says that it is not the route's.
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
