package host

import (
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/prometheus/client_golang/prometheus"
)

// metrics has the metrics of the host. It implements prometheus.Collector. Labels
// are routes, plugins, codes and reasons. Rooms and users are no labels, as their
// number has no bound.
type metrics struct {
	broker         *broker.Metrics
	accepted       *prometheus.CounterVec
	refused        *prometheus.CounterVec
	closed         *prometheus.CounterVec
	received       *prometheus.CounterVec
	receivedBytes  *prometheus.CounterVec
	sent           *prometheus.CounterVec
	sentBytes      *prometheus.CounterVec
	batchMembers   *prometheus.HistogramVec
	batchFrames    *prometheus.HistogramVec
	batchDuration  *prometheus.HistogramVec
	hookDuration   *prometheus.HistogramVec
	hookErrors     *prometheus.CounterVec
	faults         *prometheus.CounterVec
	loads          *prometheus.CounterVec
	loadDuration   *prometheus.HistogramVec
	quarantines    *prometheus.CounterVec
	logDropped     *prometheus.CounterVec
	published      *prometheus.CounterVec
	controls       *prometheus.CounterVec
	recoveries     *prometheus.CounterVec
	replayed       *prometheus.CounterVec
	connections    *prometheus.Desc
	history        *prometheus.Desc
	historyDropped *prometheus.Desc
	rooms          *prometheus.Desc
	storeBytes     *prometheus.Desc
	timers         *prometheus.Desc
	instances      *prometheus.Desc
	memory         *prometheus.Desc
	fuel           *prometheus.Desc
	info           *prometheus.Desc
	quarantined    *prometheus.Desc
	queueBytes     *prometheus.Desc
	droppedFrames  *prometheus.Desc
	violations     *prometheus.Desc
	draining       *prometheus.Desc
	buildInfo      *prometheus.Desc
	auth           authMetrics
	host           *Host
}

func counterVec(name, help string, labels ...string) *prometheus.CounterVec {
	return prometheus.NewCounterVec(prometheus.CounterOpts{Name: name, Help: help}, labels)
}

func histogramVec(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec {
	return prometheus.NewHistogramVec(prometheus.HistogramOpts{Name: name, Help: help, Buckets: buckets}, labels)
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// hookBuckets range from the time of an empty hook to beyond the default deadline.
var hookBuckets = []float64{
	250e-9, 500e-9, 1e-6, 2.5e-6, 5e-6, 10e-6, 25e-6, 50e-6, 100e-6, 250e-6, 500e-6,
	1e-3, 2.5e-3, 5e-3, 10e-3, 25e-3, 50e-3, 100e-3, 1,
}

// newMetrics makes the metrics of a host.
func newMetrics(h *Host) *metrics {
	durations := prometheus.ExponentialBuckets(1e-6, 4, 11)
	m := &metrics{
		broker:   broker.NewMetrics(),
		auth:     newAuthMetrics(),
		host:     h,
		accepted: counterVec("azuhost_connections_accepted_total", "Connections that on_connect accepted.", "route"),
		refused: counterVec("azuhost_connections_refused_total",
			"Handshakes that were refused, by reason.", "route", "reason"),
		closed: counterVec("azuhost_connections_closed_total",
			"Connections that ended, by close code; codes from 3000 are joined.", "route", "code"),
		received:      counterVec("azuhost_messages_received_total", "Messages from clients.", "route", "kind"),
		receivedBytes: counterVec("azuhost_received_bytes_total", "Payload of messages from clients, in bytes.", "route"),
		sent: counterVec("azuhost_messages_sent_total",
			"Messages delivered to connections, each member of a broadcast counted.", "route"),
		sentBytes: counterVec("azuhost_sent_bytes_total",
			"Bytes of messages delivered to connections, frame headers included.", "route"),
		batchMembers: histogramVec("azuhost_broadcast_members",
			"Members that received a batch of broadcasts.", prometheus.ExponentialBuckets(1, 4, 10), "route"),
		batchFrames: histogramVec("azuhost_broadcast_frames",
			"Messages in a batch of broadcasts.", prometheus.ExponentialBuckets(1, 2, 9), "route"),
		batchDuration: histogramVec("azuhost_broadcast_duration_seconds",
			"Time to deliver a batch of broadcasts to all members.", durations, "route"),
		hookDuration: histogramVec("azuhost_plugin_hook_duration_seconds",
			"Time of hooks in the plugin.", hookBuckets, "route", "plugin", "hook"),
		hookErrors: counterVec("azuhost_plugin_hook_errors_total",
			"Hooks that returned an error; refusals of on_connect and on_publish are not errors.", "route", "plugin", "hook"),
		faults: counterVec("azuhost_plugin_faults_total",
			"Instances discarded after a fault, by reason.", "route", "plugin", "reason"),
		loads: counterVec("azuhost_plugin_loads_total",
			"Loads of a plugin version, by result.", "route", "plugin", "result"),
		loadDuration: histogramVec("azuhost_plugin_load_duration_seconds",
			"Time to compile, check and start a plugin version.", prometheus.ExponentialBuckets(1e-3, 4, 8), "route", "plugin"),
		quarantines: counterVec("azuhost_plugin_quarantines_total",
			"Quarantines of the route that began.", "route", "plugin"),
		logDropped: counterVec("azuhost_plugin_log_lines_dropped_total",
			"Log lines of the plugin dropped by its rate limit.", "route"),
		published: counterVec("azuhost_published_total",
			"Messages published from outside: Host.Publish, the HTTP API, the CLI.", "target", "result"),
		controls: counterVec("azuhost_control_messages_total",
			"Control messages from clients of the subprotocol azuhost.v1, by type; error: refused.", "route", "type"),
		recoveries: counterVec("azuhost_recoveries_total",
			"Recoveries that clients asked for, by result.", "route", "result"),
		replayed: counterVec("azuhost_recovered_messages_total",
			"Messages sent to clients from the history of a room.", "route"),
	}
	m.makeDescs()
	return m
}

// makeDescs makes the descriptions of the metrics that Collect computes.
func (m *metrics) makeDescs() {
	m.history = desc("azuhost_history_bytes",
		"Bytes in the histories of the route's rooms: messages, and 64 for each.", "route")
	m.historyDropped = desc("azuhost_history_dropped_total",
		"Messages dropped from histories early, at limits.history_bytes.", "route")
	m.connections = desc("azuhost_connections", "Open connections.", "route")
	m.rooms = desc("azuhost_rooms", "Rooms that have members, or users within the grace.", "route")
	m.storeBytes = desc("azuhost_store_bytes", "Bytes in the channel's store: keys, values, and 64 for each.", "route")
	m.timers = desc("azuhost_timers", "Timers that are set.", "route")
	m.instances = desc("azuhost_plugin_instances", "Instances of the plugin.", "route", "plugin")
	m.memory = desc("azuhost_plugin_memory_bytes",
		"Linear memory of all instances of the plugin.", "route", "plugin")
	m.fuel = desc("azuhost_plugin_fuel_total",
		"Fuel that the plugin version has spent, about one for each instruction.", "route", "plugin", "version")
	m.quarantined = desc("azuhost_plugin_quarantined",
		"1 while the route is quarantined and refuses new connections.", "route", "plugin")
	m.info = desc("azuhost_plugin_info", "The plugin version that runs.", "route", "plugin", "version")
	m.queueBytes = desc("azuhost_queue_bytes", "Bytes queued in all connections.")
	m.droppedFrames = desc("azuhost_dropped_frames_total", "Frames that did not reach a client, by reason.", "reason")
	m.violations = desc("azuhost_violations_total",
		"Connections closed because the client broke a rule, by rule.", "rule")
	m.draining = desc("azuhost_draining", "1 while the host drains or closes, and refuses connections.")
	m.buildInfo = desc("azuhost_build_info", "The version of the host.", "version")
}

// vectors lists the collectors that keep their own values.
func (m *metrics) vectors() []prometheus.Collector {
	return append(m.auth.vectors(),
		m.published,
		m.accepted, m.refused, m.closed, m.received, m.receivedBytes, m.sent, m.sentBytes,
		m.batchMembers, m.batchFrames, m.batchDuration,
		m.hookDuration, m.hookErrors, m.faults, m.loads, m.loadDuration, m.quarantines, m.logDropped,
		m.controls, m.recoveries, m.replayed,
	)
}

// gauges describes the metrics whose values are read when they are scraped.
func (m *metrics) gauges() []*prometheus.Desc {
	return append(m.broker.All(),
		m.history, m.historyDropped, m.connections, m.rooms, m.storeBytes, m.timers,
		m.instances, m.memory, m.fuel, m.info, m.quarantined,
		m.queueBytes, m.droppedFrames, m.violations, m.draining, m.buildInfo, m.auth.fetched,
	)
}

// Describe implements prometheus.Collector.
func (m *metrics) Describe(out chan<- *prometheus.Desc) {
	for _, v := range m.vectors() {
		v.Describe(out)
	}
	for _, d := range m.gauges() {
		out <- d
	}
}

// Collect implements prometheus.Collector.
func (m *metrics) Collect(out chan<- prometheus.Metric) {
	for _, v := range m.vectors() {
		v.Collect(out)
	}
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		out <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	gauge(m.buildInfo, 1, Version())
	var draining float64
	if m.host.closing.Load() {
		draining = 1
	}
	gauge(m.draining, draining)
	m.broker.Collect(out, m.host.broker)
	m.auth.collect(out, m.host.config.Load().auth)
	gauge(m.queueBytes, float64(m.host.sockets.QueueBytes()))
	for v, n := range m.host.sockets.Violations() {
		out <- prometheus.MustNewConstMetric(m.violations, prometheus.CounterValue, float64(n), string(v))
	}
	for r, n := range m.host.sockets.Drops() {
		out <- prometheus.MustNewConstMetric(m.droppedFrames, prometheus.CounterValue, float64(n), string(r))
	}
	now := m.host.now()
	for _, rt := range m.host.runtimes() {
		gauge(m.connections, float64(m.host.limits.CountRoute(rt)), rt.pattern)
		gauge(m.rooms, float64(rt.hub.Rooms()), rt.pattern)
		hs := rt.hub.HistoryStats()
		gauge(m.history, float64(hs.Bytes), rt.pattern)
		out <- prometheus.MustNewConstMetric(m.historyDropped, prometheus.CounterValue, float64(hs.Dropped), rt.pattern)
		gauge(m.storeBytes, float64(rt.store.Size()), rt.pattern)
		gauge(m.timers, float64(rt.timers.Len()), rt.pattern)
		s := rt.settings.Load()
		var quarantined float64
		if state, _ := rt.state(now); state == Quarantined {
			quarantined = 1
		}
		gauge(m.quarantined, quarantined, rt.pattern, s.name)
		if p := s.plugin; p != nil {
			st := p.Stats()
			gauge(m.instances, float64(st.Instances), rt.pattern, s.name)
			gauge(m.memory, float64(st.MemoryBytes), rt.pattern, s.name)
			gauge(m.info, 1, rt.pattern, s.name, p.Version())
			out <- prometheus.MustNewConstMetric(
				m.fuel, prometheus.CounterValue, float64(st.Fuel), rt.pattern, s.name, p.Version())
		}
	}
}

// routeMetrics are the metrics of one route with the label filled in, for the paths
// that every message takes.
type routeMetrics struct {
	route         string
	m             *metrics
	closed        *prometheus.CounterVec
	accepted      prometheus.Counter
	text, binary  prometheus.Counter
	receivedBytes prometheus.Counter
	sent          prometheus.Counter
	sentBytes     prometheus.Counter
	batchMembers  prometheus.Observer
	batchFrames   prometheus.Observer
	batchDuration prometheus.Observer
}

// route returns the metrics of a route. The counters of refusals begin at 0, since a
// rate or an increase in Prometheus does not see the first event of a new series.
func (m *metrics) route(route string) *routeMetrics {
	for _, why := range refusals {
		m.refused.WithLabelValues(route, string(why))
	}
	for _, result := range []string{recoveryLost, recoveryOK} {
		m.recoveries.WithLabelValues(route, result)
	}
	m.controls.WithLabelValues(route, "error")
	return &routeMetrics{
		route:         route,
		m:             m,
		closed:        m.closed,
		accepted:      m.accepted.WithLabelValues(route),
		text:          m.received.WithLabelValues(route, abi.Text.String()),
		binary:        m.received.WithLabelValues(route, abi.Binary.String()),
		receivedBytes: m.receivedBytes.WithLabelValues(route),
		sent:          m.sent.WithLabelValues(route),
		sentBytes:     m.sentBytes.WithLabelValues(route),
		batchMembers:  m.batchMembers.WithLabelValues(route),
		batchFrames:   m.batchFrames.WithLabelValues(route),
		batchDuration: m.batchDuration.WithLabelValues(route),
	}
}

func (m *routeMetrics) received(k abi.Kind, n int) {
	if k == abi.Text {
		m.text.Inc()
	} else {
		m.binary.Inc()
	}
	m.receivedBytes.Add(float64(n))
}

func (m *routeMetrics) control(kind string) { m.m.controls.WithLabelValues(m.route, kind).Inc() }

// Results of a recovery, a label of azuhost_recoveries_total.
const (
	recoveryOK   = "recovered"
	recoveryLost = "lost"
)

func (m *routeMetrics) recovered(ok bool, messages int) {
	result := recoveryLost
	if ok {
		result = recoveryOK
	}
	m.m.recoveries.WithLabelValues(m.route, result).Inc()
	m.m.replayed.WithLabelValues(m.route).Add(float64(messages))
}

func (m *routeMetrics) flushed(f hub.Flush) {
	m.batchMembers.Observe(float64(f.Members))
	m.batchFrames.Observe(float64(f.Frames))
	m.batchDuration.Observe(f.Duration.Seconds())
}

func (m *routeMetrics) wrote(frames, bytes int) {
	m.sent.Add(float64(frames))
	m.sentBytes.Add(float64(bytes))
}

// hookMetrics implements plugin.Observer for one plugin on one route.
type hookMetrics struct {
	m             *metrics
	route, plugin string
	// duration holds an observer for each hook that has run: a histogram is 20 series.
	duration [abi.NumHooks]atomic.Pointer[prometheus.Observer]
}

// plugin returns the metrics of a plugin. Its counters begin at 0.
func (m *metrics) plugin(route, name string) *hookMetrics {
	for _, reason := range plugin.FaultReasons {
		m.faults.WithLabelValues(route, name, string(reason))
	}
	for _, result := range loadResults {
		m.loads.WithLabelValues(route, name, result)
	}
	m.quarantines.WithLabelValues(route, name)
	return &hookMetrics{m: m, route: route, plugin: name}
}

// observer returns the histogram of a hook.
func (h *hookMetrics) observer(hook abi.Hook) prometheus.Observer {
	if o := h.duration[hook].Load(); o != nil {
		return *o
	}
	o := h.m.hookDuration.WithLabelValues(h.route, h.plugin, hook.String())
	h.duration[hook].Store(&o)
	return o
}

// HookDone implements plugin.Observer.
func (h *hookMetrics) HookDone(hook abi.Hook, d time.Duration, err error) {
	h.observer(hook).Observe(d.Seconds())
	switch e := err.(type) {
	case *plugin.Fault:
		h.m.faults.WithLabelValues(h.route, h.plugin, string(e.Reason)).Inc()
	case *plugin.HookError:
		if isRefusal(hook, e.Code) {
			return
		}
		h.m.hookErrors.WithLabelValues(h.route, h.plugin, hook.String()).Inc()
	}
}

// authMetrics are the metrics about tokens.
type authMetrics struct {
	tokens    *prometheus.CounterVec
	expiries  *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	fetched   *prometheus.Desc
}

func newAuthMetrics() authMetrics {
	return authMetrics{
		tokens: counterVec("azuhost_auth_total",
			"Tokens verified in handshakes and refreshes, by result.", "route", "result"),
		expiries: counterVec("azuhost_auth_expiries_total", "Connections closed because their token expired.", "route"),
		refreshes: counterVec("azuhost_auth_jwks_refreshes_total",
			"Fetches of auth.jwks_url, by result: ok or failed.", "result"),
		fetched: desc("azuhost_auth_jwks_timestamp_seconds",
			"Time of the last fetch of auth.jwks_url, in seconds since 1970; 0: never."),
	}
}

func (m *authMetrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.tokens, m.expiries, m.refreshes}
}

// collect reports the fetch of keys, for a verifier that fetches them.
func (m *authMetrics) collect(out chan<- prometheus.Metric, v *auth.Verifier) {
	if v == nil {
		return
	}
	s, ok := v.Status()
	if !ok {
		return
	}
	var at float64
	if !s.Fetched.IsZero() {
		at = float64(s.Fetched.UnixMilli()) / 1e3
	}
	out <- prometheus.MustNewConstMetric(m.fetched, prometheus.GaugeValue, at)
}

// Results of a fetch of keys, a label of azuhost_auth_jwks_refreshes_total.
const (
	fetchOK     = "ok"
	fetchFailed = "failed"
)

// initTokens sets the counters of tokens on a route to 0.
func (m *metrics) initTokens(route string) {
	m.auth.tokens.WithLabelValues(route, tokenOK)
	for _, reason := range auth.Reasons {
		m.auth.tokens.WithLabelValues(route, string(reason))
	}
	m.auth.expiries.WithLabelValues(route)
}

// initFetches sets the counters of fetches to 0.
func (m *metrics) initFetches() {
	m.auth.refreshes.WithLabelValues(fetchOK)
	m.auth.refreshes.WithLabelValues(fetchFailed)
}

// keysFetched counts a fetch of keys.
func (m *metrics) keysFetched(ok bool) {
	result := fetchFailed
	if ok {
		result = fetchOK
	}
	m.auth.refreshes.WithLabelValues(result).Inc()
}
