package host

import (
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/prometheus/client_golang/prometheus"
)

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
