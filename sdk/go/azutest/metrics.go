package azutest

import (
	"math"
	"slices"
	"strings"

	azu "github.com/azuhost/azuhost/sdk/go"
)

// metrics are the metrics of a channel. The first use of a name decides its operation and its labels.
type metrics struct {
	kinds  map[string]metricKind // by the name in Prometheus
	values map[string]float64    // by seriesKey
}

// metricKind is the operation and the names of the labels of a metric.
type metricKind struct {
	op     metricOp
	labels string // sorted, one a line
}

// metricOp is an operation of the host function metric.
type metricOp int32

const (
	counterAdd metricOp = iota
	gaugeSet
	histogramObserve
)

// promName returns the name of a metric in Prometheus.
func (op metricOp) promName(name string) string {
	if op == counterAdd {
		return name + "_total"
	}
	return name
}

// maxLabels and maxMetricName are limits of the host that no operator can change.
const (
	maxLabels     = 5
	maxMetricName = 100 // bytes
)

// observation is a call of the host function metric.
type observation struct {
	op     metricOp
	name   string // in Prometheus
	labels []azu.Label
	value  float64
}

// newObservation returns the observation of a call, whose labels are lines of name=value. It returns false if the host
// would refuse the arguments.
func newObservation(op metricOp, name, labels string, value float64) (o observation, ok bool) {
	pairs, ok := parseLabels(labels)
	if !ok || op < counterAdd || op > histogramObserve || !validMetricName(name) ||
		math.IsNaN(value) || math.IsInf(value, 0) || op == counterAdd && value < 0 {
		return observation{}, false
	}
	return observation{op, op.promName(name), pairs, value}, true
}

// kind returns the kind that the metric of an observation must have.
func (o observation) kind() metricKind {
	k := metricKind{op: o.op}
	for _, l := range o.labels {
		k.labels += l.Name + "\n"
	}
	return k
}

// fits returns whether an observation has the operation and the labels of its metric.
func (m *metrics) fits(o observation) bool {
	if known, ok := m.kinds[o.name]; ok {
		return known == o.kind()
	}
	return !m.clashes(o)
}

// apply changes the metric of an observation. It does nothing if an earlier observation of the same hook has given the
// metric another kind.
func (m *metrics) apply(o observation) {
	if !m.fits(o) {
		return
	}
	key := seriesKey(o.name, o.labels)
	if o.op == counterAdd {
		o.value += m.values[key]
	}
	m.kinds[o.name] = o.kind()
	m.values[key] = o.value
}

// clashes returns whether a new metric would have the name of a part of a histogram in Prometheus.
func (m *metrics) clashes(o observation) bool {
	for _, part := range []string{"_bucket", "_count", "_sum"} {
		if base, ok := strings.CutSuffix(o.name, part); ok {
			if k, known := m.kinds[base]; known && k.op == histogramObserve {
				return true
			}
		}
		if _, known := m.kinds[o.name+part]; known && o.op == histogramObserve {
			return true
		}
	}
	return false
}

// get returns the value of a metric under the name that the channel uses, and 0 if there is none.
func (m *metrics) get(name string, labels []azu.Label) float64 {
	pairs := slices.Clone(labels)
	sortLabels(pairs)
	for _, op := range []metricOp{counterAdd, gaugeSet} { // the name of a histogram is like that of a gauge
		if v, ok := m.values[seriesKey(op.promName(name), pairs)]; ok {
			return v
		}
	}
	return 0
}

// parseLabels parses lines of name=value, and sorts them by name. It returns false if the host would refuse them.
func parseLabels(text string) (labels []azu.Label, ok bool) {
	for line := range strings.Lines(text) {
		name, value, ok := strings.Cut(strings.TrimSuffix(line, "\n"), "=")
		reserved := name == "route" || name == "le" || name == "quantile" || strings.HasPrefix(name, "__")
		if !ok || reserved || !validMetricName(name) || checkNames(value) < 0 || len(labels) == maxLabels {
			return nil, false
		}
		labels = append(labels, azu.Label{Name: name, Value: value})
	}
	sortLabels(labels)
	for i := range labels[min(1, len(labels)):] {
		if labels[i].Name == labels[i+1].Name {
			return nil, false
		}
	}
	return labels, true
}

func sortLabels(labels []azu.Label) {
	slices.SortFunc(labels, func(a, b azu.Label) int { return strings.Compare(a.Name, b.Name) })
}

func seriesKey(full string, labels []azu.Label) string {
	for _, l := range labels {
		full += "\n" + l.Name + "=" + l.Value
	}
	return full
}

// validMetricName returns whether s can be the name of a metric or of a label: letters, digits and underscores, with no
// digit at the beginning.
func validMetricName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != "" && len(s) <= maxMetricName
}
