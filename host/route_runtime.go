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

// routeRuntime is a route at work: its hub, store and timers, which outlast
// settings and plugin versions.
type routeRuntime struct {
	host        *Host
	pattern     string   // as configured: the label of metrics
	mux         string   // as http.ServeMux has it
	params      []string // names, in the order of the path
	grace       time.Duration
	history     hub.HistoryOptions
	hub         *hub.Hub
	subscribers presenceSubscribers
	remote      remotePresence
	announced   time.Time    // last; the clerk only
	pacer       plugin.Pacer // of the clerk's hooks; the clerk only
	store       *store
	timers      timers
	expiries    timers // of the tokens of connections; they have no name
	metrics     *routeMetrics
	log         *slog.Logger

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

func newRouteRuntime(h *Host, set *settings) *routeRuntime {
	muxPattern, params, _ := parsePattern(set.route.Path) // checked before
	rt := &routeRuntime{
		host:     h,
		pattern:  set.route.Path,
		mux:      muxPattern,
		params:   params,
		grace:    graceOf(set.route),
		history:  historyOf(set.route),
		store:    newStore(sharedStoreOf(h, set.route), h.now),
		metrics:  h.metrics.route(set.route.Path),
		log:      h.log.With("route", set.route.Path),
		noise:    rate.NewLimiter(5, 20),
		guestLog: plugin.NewGuestLog(h.metrics.logDropped.WithLabelValues(set.route.Path).Inc),
		pacer:    plugin.Pacer{CPUSlots: h.cpuSlots},
		wake:     make(chan struct{}, 1),
		stop:     make(chan struct{}),
	}
	o := hub.Options{
		Grace:   rt.grace,
		Now:     h.now,
		Wake:    rt.wakeBackground,
		Flushed: rt.metrics.flushed,
		Sent:    rt.metrics.wrote,
		History: rt.history,
	}
	if h.broker != nil {
		o.History, o.Positions = hub.HistoryOptions{}, rt.history.Size > 0
		o.Topics, o.Journal = rt.follow, true
	}
	rt.hub = hub.New(o)
	rt.settings.Store(set)
	return rt
}

// run runs a hook and, when it succeeds, has its effects happen. c and req are
// nil where there is no connection or request. It logs and counts errors.
func (rt *routeRuntime) run(ev *Event, c *conn, req *http.Request, outbox *hub.Outbox) error {
	return rt.runCall(context.Background(), ev, c, req, outbox, extras{})
}

// extras is what few callers of runCall want.
type extras struct {
	refused  func(*call, error) // gets a failed call before it is reused
	receipts *[]broker.Pending  // gets those of what is sent over a broker
}

// runCall is run with a context, which bounds the wait for an instance, and extras.
func (rt *routeRuntime) runCall(ctx context.Context, ev *Event, c *conn, req *http.Request, outbox *hub.Outbox, x extras) error {
	set := rt.settings.Load()
	k := rt.host.calls.Get().(*call)
	defer rt.host.calls.Put(k)
	defer k.reset()
	k.rt, k.set, k.hook, k.conn, k.req, k.outbox = rt, set, ev.Hook, c, req, outbox
	k.receipts = x.receipts
	k.ev = *ev // so that the caller's does not escape to the heap
	err := k.identifySubject()
	if err == nil {
		err = k.run(ctx, set.logic)
	}
	for errors.Is(err, plugin.ErrNotLoaded) && rt.settings.Load() != set {
		// A reload has closed the plugin between the two: nothing ran.
		set = rt.settings.Load()
		k.set = set
		err = k.run(ctx, set.logic)
	}
	k.Drop()
	if err != nil {
		var f *plugin.Fault
		if errors.As(err, &f) {
			rt.faulted(rt.host.now())
		}
		rt.report(ev, err)
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
func (rt *routeRuntime) report(ev *Event, err error) {
	var he *plugin.HookError
	if errors.As(err, &he) && refuses(ev.Hook, he.Code) {
		rt.log.Debug(map[abi.Hook]string{abi.OnConnect: "connection refused", abi.OnPublish: "publication refused"}[ev.Hook], "by", rt.settings.Load().name, "code", he.Code, "why", he.Text)
		return
	}
	if !rt.noise.Allow() {
		rt.muted.Add(1)
		return
	}
	args := []any{"hook", ev.Hook.String(), "plugin", rt.settings.Load().name, "err", err}
	if n := rt.muted.Swap(0); n > 0 {
		args = append(args, "muted", n)
	}
	var f *plugin.Fault
	if errors.As(err, &f) {
		rt.log.Error("plugin fault, the instance is replaced", append(args, "reason", string(f.Reason))...)
		return
	}
	rt.log.Warn("hook failed, its effects are dropped", args...)
}

// Log implements Env: the line goes out at once, also if the hook fails.
func (c *call) Log(level abi.Level, text []byte) {
	c.rt.guestLog.Line(c.rt.log, plugin.SlogLevel(level), text, "plugin", c.set.name, "hook", c.hook.String())
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
