package host

import (
	"math"
	"slices"
	"strings"
	"sync"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/prometheus/client_golang/prometheus"
)

// appMetrics are the metrics that plugins make up. Their names begin with
// azuhost_app_. A name has one operation and one set of labels in the whole
// host, and each route has a bounded number of series. Those of a route that went and
// came back are the ones of before while a channel of it is there.
type appMetrics struct {
	mu     sync.Mutex
	defs   map[string]*appMetric
	series map[*routeRuntime]int // none of a channel that was forgotten
}

type appMetric struct {
	op     abi.MetricOp
	labels []string // sorted
	desc   *prometheus.Desc
	series map[string]*appSeries
}

type appSeries struct {
	rt      *routeRuntime // that counted last, of those that have not retired
	values  []string      // route first
	value   float64
	count   uint64
	buckets map[float64]uint64
}

// takenLabels are those that the host and the format of Prometheus use.
var takenLabels = []string{"route", "le", "quantile"}

const (
	appPrefix    = "azuhost_app_"
	maxAppLabels = 5
)

func newAppMetrics() *appMetrics {
	return &appMetrics{defs: map[string]*appMetric{}, series: map[*routeRuntime]int{}}
}

// parseLabels reads lines of name=value, sorted by name.
func parseLabels(text string) (names, values []string, err error) {
	type label struct{ name, value string }
	var ls []label
	for line := range lines([]byte(text)) {
		n, v, ok := strings.Cut(string(line), "=")
		if !ok || !validMetricName(n) || slices.Contains(takenLabels, n) || strings.HasPrefix(n, "__") || !validName(v) || len(ls) == maxAppLabels {
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

// validMetricName says whether s is a name for a metric or a label: letters,
// digits and underscores, no digit first.
func validMetricName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= 100
}

// check says whether apply would take this. series names the series where it
// is a new one, of which there may be limit, or which is in pending already.
func (a *appMetrics) check(rt *routeRuntime, op abi.MetricOp, name, labels []byte, v float64, limit int, pending map[string]struct{}) (series string, err error) {
	if op < abi.CounterAdd || op > abi.HistogramObserve || !validMetricName(string(name)) || math.IsNaN(v) || math.IsInf(v, 0) || op == abi.CounterAdd && v < 0 {
		return "", abi.Invalid
	}
	names, values, err := parseLabels(string(labels))
	if err != nil {
		return "", err
	}
	full := appName(op, string(name))
	a.mu.Lock()
	defer a.mu.Unlock()
	d, key := a.defs[full], appKey(rt, values)
	switch {
	case d == nil && a.clashes(op, full), d != nil && (d.op != op || !slices.Equal(d.labels, names)):
		return "", abi.Invalid
	case d != nil && d.series[key] != nil:
		return "", nil
	}
	key = full + "\n" + key
	if _, ok := pending[key]; !ok && a.series[rt] >= limit {
		return "", abi.Limit
	}
	return key, nil
}

// clashes says whether a new metric would have a name that Prometheus gives
// to a part of a histogram; mu is held.
func (a *appMetrics) clashes(op abi.MetricOp, full string) bool {
	for _, part := range []string{"_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(full, part); ok && a.defs[base] != nil && a.defs[base].op == abi.HistogramObserve {
			return true
		}
		if op == abi.HistogramObserve && a.defs[full+part] != nil {
			return true
		}
	}
	return false
}

// appName is the full name; a counter's ends in _total, as is the custom.
func appName(op abi.MetricOp, name string) string {
	if op == abi.CounterAdd {
		name = strings.TrimSuffix(name, "_total") + "_total"
	}
	return appPrefix + name
}

func appKey(rt *routeRuntime, values []string) string {
	return rt.pattern + "\n" + strings.Join(values, "\n")
}

// apply counts, sets or observes.
func (a *appMetrics) apply(rt *routeRuntime, op abi.MetricOp, name, labels string, v float64) {
	names, values, err := parseLabels(labels)
	if err != nil {
		return
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if rt.forgotten {
		return // its clerk ran a last hook
	}
	full := appName(op, name)
	d, key := a.defs[full], appKey(rt, values)
	if d != nil && (d.op != op || !slices.Equal(d.labels, names)) || d == nil && a.clashes(op, full) {
		return // two hooks at once made it up differently: the first holds
	}
	if (d == nil || d.series[key] == nil) && a.series[rt] >= rt.settings.Load().limits.MetricSeries {
		return
	}
	if d == nil {
		d = &appMetric{op: op, labels: names, series: map[string]*appSeries{},
			desc: prometheus.NewDesc(full, "A metric of a plugin.", append([]string{"route"}, names...), nil)}
		a.defs[full] = d
	}
	s := d.series[key]
	if s == nil {
		a.series[rt]++
		s = &appSeries{rt: rt, values: append([]string{rt.pattern}, values...)}
		d.series[key] = s
	}
	if s.rt != rt && !rt.retired.Load() {
		a.series[s.rt]--
		a.series[rt]++
		s.rt = rt
	}
	s.apply(op, v)
}

func (s *appSeries) apply(op abi.MetricOp, v float64) {
	switch op {
	case abi.CounterAdd:
		s.value += v
	case abi.GaugeSet:
		s.value = v
	case abi.HistogramObserve:
		if s.buckets == nil {
			s.buckets = make(map[float64]uint64, len(prometheus.DefBuckets))
		}
		s.value += v
		s.count++
		for _, b := range prometheus.DefBuckets {
			if v <= b {
				s.buckets[b]++
			} else {
				s.buckets[b] += 0
			}
		}
	}
}

// forget drops the series of a channel that is gone, and has it make no others.
func (a *appMetrics) forget(rt *routeRuntime) {
	a.mu.Lock()
	defer a.mu.Unlock()
	rt.forgotten = true
	delete(a.series, rt)
	for name, d := range a.defs {
		for k, s := range d.series {
			if s.rt == rt {
				delete(d.series, k)
			}
		}
		if len(d.series) == 0 {
			delete(a.defs, name)
		}
	}
}

// forgetAll leaves nothing to collect: a registry can not be rid of a collector
// that describes nothing.
func (a *appMetrics) forgetAll() {
	a.mu.Lock()
	defer a.mu.Unlock()
	clear(a.defs)
	clear(a.series)
}

// Describe implements prometheus.Collector: what plugins make up is not known
// beforehand.
func (a *appMetrics) Describe(chan<- *prometheus.Desc) {}

// Collect implements prometheus.Collector.
func (a *appMetrics) Collect(out chan<- prometheus.Metric) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, d := range a.defs {
		for _, s := range d.series {
			switch d.op {
			case abi.CounterAdd:
				out <- prometheus.MustNewConstMetric(d.desc, prometheus.CounterValue, s.value, s.values...)
			case abi.GaugeSet:
				out <- prometheus.MustNewConstMetric(d.desc, prometheus.GaugeValue, s.value, s.values...)
			case abi.HistogramObserve:
				buckets := make(map[float64]uint64, len(s.buckets))
				for b, n := range s.buckets {
					buckets[b] = n
				}
				out <- prometheus.MustNewConstHistogram(d.desc, s.count, s.value, buckets, s.values...)
			}
		}
	}
}
