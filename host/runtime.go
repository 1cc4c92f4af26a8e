package host

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"golang.org/x/time/rate"
)

// channel is a route at work: its hub, store and timers, which outlast
// settings and plugin versions.
type channel struct {
	host      *Host
	pattern   string   // as configured: the label of metrics
	mux       string   // as http.ServeMux has it
	params    []string // names, in the order of the path
	grace     time.Duration
	history   hub.HistoryOptions
	hub       *hub.Hub
	watchers  watchers
	elsewhere elsewhere
	announced time.Time   // last; the clerk only
	pace      plugin.Pace // of the clerk's hooks; the clerk only
	store     *store
	timers    timers
	expiries  timers // of the tokens of connections; they have no name
	metrics   *channelMetrics
	log       *slog.Logger

	settings   atomic.Pointer[settings]
	quarantine quarantine
	faults     atomic.Int64 // of hooks
	guestLog   *plugin.GuestLog
	noise      *rate.Limiter // of log lines about failing hooks
	muted      atomic.Int64  // lines that the limiter held back

	retired   atomic.Bool // the route is gone
	forgotten bool        // so are its series; under the lock of Host.appMetrics

	// committing is held while a hook does what has limits, from the last look at them on.
	committing sync.Mutex

	wake chan struct{} // the clerk has something to do
	stop chan struct{}
}

// graceOf is Route.PresenceGrace with its default.
func graceOf(r Route) time.Duration {
	return max(cmp.Or(r.PresenceGrace, 15*time.Second), 0)
}

// historyOf is what the rooms of a route keep.
func historyOf(r Route) hub.HistoryOptions {
	return hub.HistoryOptions{
		Size: r.History.Size, TTL: cmp.Or(r.History.TTL, 5*time.Minute), MaxBytes: r.Limits.withDefaults().HistoryBytes,
	}
}

func newChannel(h *Host, set *settings) *channel {
	muxPattern, params, _ := parsePattern(set.route.Path) // checked before
	ch := &channel{
		host:     h,
		pattern:  set.route.Path,
		mux:      muxPattern,
		params:   params,
		grace:    graceOf(set.route),
		history:  historyOf(set.route),
		store:    newStore(sharedStoreOf(h, set.route), h.now),
		metrics:  h.metrics.channel(set.route.Path),
		log:      h.log.With("route", set.route.Path),
		noise:    rate.NewLimiter(5, 20),
		guestLog: plugin.NewGuestLog(h.metrics.logDropped.WithLabelValues(set.route.Path).Inc),
		pace:     plugin.Pace{Turns: h.turns},
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
	}
	o := hub.Options{
		Grace:   ch.grace,
		Now:     h.now,
		Wake:    ch.wakeClerk,
		Flushed: ch.metrics.flushed,
		Sent:    ch.metrics.wrote,
		History: ch.history,
	}
	if h.broker != nil {
		o.History, o.Positions = hub.HistoryOptions{}, ch.history.Size > 0
		o.Topics, o.Journal = ch.follow, true
	}
	ch.hub = hub.New(o)
	ch.settings.Store(set)
	return ch
}

// run runs a hook and, when it succeeds, has its effects happen. c and req are
// nil where there is no connection or request. It logs and counts errors.
func (ch *channel) run(ev *Event, c *conn, req *http.Request, turn *hub.Turn) error {
	return ch.runCall(context.Background(), ev, c, req, turn, extras{})
}

// extras is what few callers of runCall want.
type extras struct {
	refused  func(*call, error) // gets a failed call before it is reused
	receipts *[]broker.Pending  // gets those of what is sent over a broker
}

// runCall is run with a context, which bounds the wait for an instance, and extras.
func (ch *channel) runCall(ctx context.Context, ev *Event, c *conn, req *http.Request, turn *hub.Turn, x extras) error {
	set := ch.settings.Load()
	k := ch.host.calls.Get().(*call)
	defer ch.host.calls.Put(k)
	defer k.reset()
	k.ch, k.set, k.hook, k.conn, k.req, k.turn = ch, set, ev.Hook, c, req, turn
	k.receipts = x.receipts
	k.ev = *ev // so that the caller's does not escape to the heap
	err := k.identifySubject()
	if err == nil {
		err = k.run(ctx, set.logic)
	}
	for errors.Is(err, plugin.ErrNotLoaded) && ch.settings.Load() != set {
		// A reload has closed the plugin between the two: nothing ran.
		set = ch.settings.Load()
		k.set = set
		err = k.run(ctx, set.logic)
	}
	k.Drop()
	if err != nil {
		var f *plugin.Fault
		if errors.As(err, &f) {
			ch.faulted(ch.host.now())
		}
		ch.report(ev, err)
		if x.refused != nil {
			x.refused(k, err)
		}
	}
	return err
}

// run runs the hook. A panic of a channel in Go is a fault, not the end of the process.
func (c *call) run(ctx context.Context, logic Channel) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = &plugin.Fault{Hook: c.hook, Reason: plugin.Panicked, Err: fmt.Errorf("panic: %v\n%s", r, debug.Stack())}
		}
	}()
	return logic.Run(ctx, &c.ev, c)
}

// report logs a hook that failed, but not without bound.
func (ch *channel) report(ev *Event, err error) {
	var he *plugin.HookError
	if errors.As(err, &he) && refuses(ev.Hook, he.Code) {
		ch.log.Debug(map[abi.Hook]string{abi.OnConnect: "connection refused", abi.OnPublish: "publication refused"}[ev.Hook], "by", ch.settings.Load().name, "code", he.Code, "why", he.Text)
		return
	}
	if !ch.noise.Allow() {
		ch.muted.Add(1)
		return
	}
	args := []any{"hook", ev.Hook.String(), "plugin", ch.settings.Load().name, "err", err}
	if n := ch.muted.Swap(0); n > 0 {
		args = append(args, "muted", n)
	}
	var f *plugin.Fault
	if errors.As(err, &f) {
		ch.log.Error("plugin fault, the instance is replaced", append(args, "reason", string(f.Reason))...)
		return
	}
	ch.log.Warn("hook failed, its effects are dropped", args...)
}

// Log implements Env: the line goes out at once, also if the hook fails.
func (c *call) Log(level abi.Level, text []byte) {
	c.ch.guestLog.Line(c.ch.log, plugin.SlogLevel(level), text, "plugin", c.set.name, "hook", c.hook.String())
}

// refuses says whether a result of a hook is a refusal, and not a failure.
func refuses(h abi.Hook, code int32) bool {
	switch {
	case h != abi.OnConnect && h != abi.OnPublish:
		return false
	case code >= abi.MinRefuse && code <= abi.MaxRefuse:
		return true
	}
	return h == abi.OnConnect && code >= abi.MinRefuseClose && code <= abi.MaxRefuseClose
}
