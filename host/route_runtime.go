package host

import (
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
	"github.com/azuhost/azuhost/host/internal/appmetrics"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/quarantine"
	"github.com/azuhost/azuhost/host/internal/routepath"
	"github.com/azuhost/azuhost/host/internal/store"
	"github.com/azuhost/azuhost/host/internal/timer"
	"golang.org/x/time/rate"
)

// routeRuntime is a route that is served. Its hub, store and timers outlast its
// settings and the versions of its plugin.
type routeRuntime struct {
	// Constant after newRouteRuntime.
	host     *Host
	pattern  string   // the path of the options, also a label of metrics
	mux      string   // the pattern of http.ServeMux
	params   []string // names of the parameters, in the order of the path
	grace    time.Duration
	history  hub.HistoryOptions
	hub      *hub.Hub
	store    *store.Store
	metrics  *routeMetrics
	log      *slog.Logger
	guestLog *plugin.GuestLog
	failLog  *rate.Limiter // of log lines about failing hooks
	wake     chan struct{} // has the background loop run a round
	stop     chan struct{} // closed: the background loop ends

	// Safe for concurrent use.
	settings    atomic.Pointer[settings]
	subscribers presenceSubscribers
	remote      remotePresence
	appMetrics  *appmetrics.Route
	timers      timer.Queue
	expiries    timer.Queue // of tokens: a timer a connection, without a name
	breaker     quarantine.Breaker
	faults      atomic.Int64 // of hooks
	suppressed  atomic.Int64 // log lines that failLog has held back
	retired     atomic.Bool  // a reload has removed the route

	// committing is held while the effects of a hook that have limits are checked
	// against them and applied.
	committing sync.Mutex

	// Owned by the background loop.
	announced time.Time    // the last time presence was announced to other nodes
	pacer     plugin.Pacer // of the hooks that the loop runs
}

// presenceGrace returns the grace of a route, 0 for none.
func presenceGrace(r Route) time.Duration { return max(r.PresenceGrace, 0) }

// historyOptions returns the history of the rooms of a route.
func historyOptions(r Route) hub.HistoryOptions {
	return hub.HistoryOptions{Size: r.History.Size, TTL: r.History.TTL, MaxBytes: r.Limits.HistoryBytes}
}

// newRouteRuntime makes the runtime of a route with its first settings.
func newRouteRuntime(h *Host, set *settings) *routeRuntime {
	muxPattern, params, _ := routepath.Parse(set.route.Path) // validated before
	rt := &routeRuntime{
		host:       h,
		pattern:    set.route.Path,
		mux:        muxPattern,
		params:     params,
		appMetrics: h.appMetrics.NewRoute(set.route.Path),
		grace:      presenceGrace(set.route),
		history:    historyOptions(set.route),
		store:      store.New(h.sharedStore(set.route), h.now),
		metrics:    h.metrics.route(set.route.Path),
		log:        h.log.With("route", set.route.Path),
		failLog:    rate.NewLimiter(5, 20),
		guestLog:   plugin.NewGuestLog(h.metrics.logDropped.WithLabelValues(set.route.Path).Inc),
		pacer:      plugin.Pacer{CPUSlots: h.cpuSlots},
		wake:       make(chan struct{}, 1),
		stop:       make(chan struct{}),
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
		o.History, o.ExternalHistory = hub.HistoryOptions{}, rt.history.Size > 0
		o.Topics, o.Journal = rt.setSubscribed, true
	}
	rt.hub = hub.New(o)
	rt.settings.Store(set)
	return rt
}

// sharedStore returns the store of a route that all nodes share, nil if each node has
// its own.
func (h *Host) sharedStore(r Route) store.Shared {
	if h.broker == nil || r.Store != StoreShared {
		return nil
	}
	return h.broker.Store(r.Path)
}

// invocation is what run needs to run a hook.
type invocation struct {
	event  plugin.Event
	conn   *conn         // of the event; nil: none
	req    *http.Request // the handshake; nil outside on_connect
	outbox *hub.Outbox   // takes what the hook sends

	// onFailed is called with a call that has failed, before it is reused. It
	// may be nil.
	onFailed func(*call, error)
	// receipts gets a receipt for everything that is sent over a broker. It may
	// be nil.
	receipts *[]broker.PendingReceipt
}

// run runs a hook. Its effects take place before run returns nil, and none of
// them if run returns an error. run logs and counts errors. ctx bounds the wait
// for an instance of the plugin.
func (rt *routeRuntime) run(ctx context.Context, in invocation) (err error) {
	set := rt.settings.Load()
	c := rt.host.calls.Get().(*call)
	c.begin(rt, set, &in)
	defer func() {
		if r := recover(); r != nil { // of a channel in Go
			err = &plugin.Fault{Hook: c.hook, Reason: plugin.Panicked, Err: fmt.Errorf("panic: %v\n%s", r, debug.Stack())}
		}
		c.Drop()
		if err != nil {
			rt.failed(c, err)
			if in.onFailed != nil {
				in.onFailed(c, err)
			}
		}
		c.reset()
		rt.host.calls.Put(c)
	}()
	if err := c.identifySubject(); err != nil {
		return err
	}
	for {
		err := set.logic.Run(ctx, &c.event, c)
		if now := rt.settings.Load(); errors.Is(err, plugin.ErrNotLoaded) && now != set {
			// A reload has closed the plugin after its settings were read. No hook has run.
			set, c.set = now, now
			continue
		}
		return err
	}
}

// failed counts and logs a failed hook.
func (rt *routeRuntime) failed(c *call, err error) {
	var f *plugin.Fault
	if errors.As(err, &f) {
		rt.countFault(rt.host.now())
	}
	rt.logFailed(c.hook, err)
}

// logFailed logs a hook that has failed or refused. The lines about failures
// are limited; a line says how many were suppressed before it.
func (rt *routeRuntime) logFailed(hook abi.Hook, err error) {
	name := rt.settings.Load().name
	var he *plugin.HookError
	if errors.As(err, &he) && isRefusal(hook, he.Code) {
		rt.log.Debug("hook refused", "hook", hook.String(), "plugin", name, "code", he.Code, "text", he.Text)
		return
	}
	if !rt.failLog.Allow() {
		rt.suppressed.Add(1)
		return
	}
	args := []any{"hook", hook.String(), "plugin", name, "err", err}
	if n := rt.suppressed.Swap(0); n > 0 {
		args = append(args, "suppressed", n)
	}
	var f *plugin.Fault
	if errors.As(err, &f) {
		rt.log.Error("plugin fault, instance replaced", append(args, "reason", string(f.Reason))...)
		return
	}
	rt.log.Warn("hook failed, effects dropped", args...)
}

// isRefusal reports whether the result of a hook is a refusal and not a failure.
func isRefusal(h abi.Hook, code int32) bool {
	switch {
	case h != abi.OnConnect && h != abi.OnPublish:
		return false
	case code >= abi.MinRefuse && code <= abi.MaxRefuse:
		return true
	}
	return h == abi.OnConnect && code >= abi.MinRefuseClose && code <= abi.MaxRefuseClose
}
