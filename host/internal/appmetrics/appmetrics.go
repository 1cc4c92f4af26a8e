// Package appmetrics keeps the metrics that plugins make.
package appmetrics

import (
	"maps"
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/naming"
	"github.com/prometheus/client_golang/prometheus"
)

// Metrics are the metrics that the plugins of a host make. Their names begin with
// azuhost_app_. A name has one operation and one set of labels in the whole host. It
// implements prometheus.Collector. Methods may be called concurrently.
type Metrics struct {
	mu   sync.Mutex // also guards the fields of the routes
	defs map[string]*metric
}

// Route is the share of one route in the metrics. Methods may be called concurrently.
type Route struct {
	metrics *Metrics
	path    string // a label

	// Guarded by Metrics.mu.
	series  int  // that the route owns
	retired bool // a reload has removed the route, which drains
	ended   bool // the series are removed, and no others are made
}

type metric struct {
	op     abi.MetricOp
	labels []string // sorted
	desc   *prometheus.Desc
	series map[string]*series
}

type series struct {
	// owner is the route that has changed the series last. A retired route does not
	// take it over from another of the same path.
	owner   *Route
	values  []string // of the labels, that of route first
	value   float64
	count   uint64
	buckets map[float64]uint64
}

// reservedLabels are labels that the host and the format of Prometheus use.
var reservedLabels = []string{"route", "le", "quantile"}

const (
	prefix    = "azuhost_app_"
	maxLabels = 5
)

// New returns metrics without a series.
func New() *Metrics { return &Metrics{defs: map[string]*metric{}} }

// NewRoute returns the share of a route that begins. A route of the same path that
// came before may still drain: the two share the series.
func (m *Metrics) NewRoute(path string) *Route { return &Route{metrics: m, path: path} }

// parseLabels parses labels as name=value, one a line, and sorts them by name.
func parseLabels(text string) (names, values []string, err error) {
	type label struct{ name, value string }
	var ls []label
	for line := range strings.Lines(text) {
		n, v, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		if !ok || !naming.ValidMetric(n) || slices.Contains(reservedLabels, n) || strings.HasPrefix(n, "__") ||
			!naming.Valid(v) ||
			len(ls) == maxLabels {
			return nil, nil, abi.Invalid
		}
		ls = append(ls, label{n, v})
	}
	slices.SortFunc(ls, func(a, b label) int { return strings.Compare(a.name, b.name) })
	for i, l := range ls {
		if i > 0 && l.name == ls[i-1].name {
			return nil, nil, abi.Invalid
		}
		names, values = append(names, l.name), append(values, l.value)
	}
	return names, values, nil
}

// Check returns the error of Apply without applying anything. series identifies the
// series if the operation makes a new one. limit bounds the series of the route, those
// in pending, which are to be made, not counted again.
func (r *Route) Check(
	op abi.MetricOp,
	name, labels []byte,
	v float64,
	limit int,
	pending map[string]struct{},
) (series string, err error) {
	valid := op >= abi.CounterAdd && op <= abi.HistogramObserve && naming.ValidMetric(string(name))
	if !valid || math.IsNaN(v) || math.IsInf(v, 0) || op == abi.CounterAdd && v < 0 {
		return "", abi.Invalid
	}
	names, values, err := parseLabels(string(labels))
	if err != nil {
		return "", err
	}
	full := fullName(op, string(name))
	r.metrics.mu.Lock()
	defer r.metrics.mu.Unlock()
	d, key := r.metrics.defs[full], r.key(values)
	switch {
	case !r.metrics.fits(d, op, full, names):
		return "", abi.Invalid
	case d != nil && d.series[key] != nil:
		return "", nil
	}
	key = full + "\n" + key
	if _, ok := pending[key]; !ok && r.series >= limit {
		return "", abi.Limit
	}
	return key, nil
}

// fits reports whether an operation with some labels fits a metric. d is nil for a new
// one. mu is held.
func (m *Metrics) fits(d *metric, op abi.MetricOp, full string, labels []string) bool {
	if d == nil {
		return !m.clashes(op, full)
	}
	return d.op == op && slices.Equal(d.labels, labels)
}

// clashes reports whether a new metric has a name that Prometheus gives to a part of a
// histogram. mu is held.
func (m *Metrics) clashes(op abi.MetricOp, full string) bool {
	for _, part := range []string{"_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(full, part); ok && m.defs[base] != nil && m.defs[base].op == abi.HistogramObserve {
			return true
		}
		if op == abi.HistogramObserve && m.defs[full+part] != nil {
			return true
		}
	}
	return false
}

// fullName returns the name of a metric in Prometheus. That of a counter ends in
// _total, as is the convention.
func fullName(op abi.MetricOp, name string) string {
	if op == abi.CounterAdd {
		name = strings.TrimSuffix(name, "_total") + "_total"
	}
	return prefix + name
}

// key identifies a series of the route within a metric.
func (r *Route) key(values []string) string { return r.path + "\n" + strings.Join(values, "\n") }

// Apply changes a metric. It does nothing if the operation does not fit the metric,
// which another hook may have made after Check, or if the route has reached limit.
func (r *Route) Apply(op abi.MetricOp, name, labels string, v float64, limit int) {
	names, values, err := parseLabels(labels)
	if err != nil {
		return
	}
	m := r.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	full := fullName(op, name)
	d, key := m.defs[full], r.key(values)
	isNew := d == nil || d.series[key] == nil
	if r.ended || !m.fits(d, op, full, names) || isNew && r.series >= limit {
		return
	}
	if d == nil {
		d = &metric{op: op, labels: names, series: map[string]*series{},
			desc: prometheus.NewDesc(full, "A metric of a plugin.", append([]string{"route"}, names...), nil)}
		m.defs[full] = d
	}
	s := d.series[key]
	if s == nil {
		r.series++
		s = &series{owner: r, values: append([]string{r.path}, values...)}
		d.series[key] = s
	}
	if s.owner != r && !r.retired {
		s.owner.series--
		r.series++
		s.owner = r
	}
	s.apply(op, v)
}

func (s *series) apply(op abi.MetricOp, v float64) {
	switch op {
	case abi.CounterAdd:
		s.value += v
	case abi.GaugeSet:
		s.value = v
	case abi.HistogramObserve:
		if s.buckets == nil {
			s.buckets = make(map[float64]uint64, len(prometheus.DefBuckets))
			for _, b := range prometheus.DefBuckets {
				s.buckets[b] = 0
			}
		}
		s.value += v
		s.count++
		for _, b := range prometheus.DefBuckets {
			if v <= b {
				s.buckets[b]++
			}
		}
	}
}

// Retire leaves the series of the route to another route of the same path, which
// takes over those that it changes.
func (r *Route) Retire() {
	r.metrics.mu.Lock()
	defer r.metrics.mu.Unlock()
	r.retired = true
}

// End removes the series of the route. Apply does nothing afterwards.
func (r *Route) End() {
	m := r.metrics
	m.mu.Lock()
	defer m.mu.Unlock()
	r.ended, r.series = true, 0
	for name, d := range m.defs {
		for k, s := range d.series {
			if s.owner == r {
				delete(d.series, k)
			}
		}
		if len(d.series) == 0 {
			delete(m.defs, name)
		}
	}
}

// Clear removes all series. A registry cannot unregister a collector that describes
// nothing, so this is how a host leaves a registry that outlives it.
func (m *Metrics) Clear() {
	m.mu.Lock()
	defer m.mu.Unlock()
	clear(m.defs)
}

// Describe implements prometheus.Collector. It describes nothing, since plugins make
// metrics at any time.
func (m *Metrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (m *Metrics) Collect(out chan<- prometheus.Metric) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, d := range m.defs {
		for _, s := range d.series {
			switch d.op {
			case abi.CounterAdd:
				out <- prometheus.MustNewConstMetric(d.desc, prometheus.CounterValue, s.value, s.values...)
			case abi.GaugeSet:
				out <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, s.value, s.values...)
			case abi.HistogramObserve:
				out <- prometheus.MustNewConstHistogram(d.desc, s.count, s.value, maps.Clone(s.buckets), s.values...)
			}
		}
	}
}
