package azu

import (
	"strings"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// Label is a label of a metric. Each combination of values is a series of its own, and the host limits the number of
// series: do not use names of rooms or users as values.
type Label struct{ Name, Value string }

// Counter is the name of a metric that only grows.
type Counter string

// Add adds v, which must not be negative.
func (c Counter) Add(v float64, labels ...Label) error { return metric(0, string(c), v, labels) }

// Gauge is the name of a metric that can go up and down.
type Gauge string

// Set sets the gauge.
func (g Gauge) Set(v float64, labels ...Label) error { return metric(1, string(g), v, labels) }

// Histogram is the name of a metric that counts observations by their size.
type Histogram string

// Observe adds an observation.
func (h Histogram) Observe(v float64, labels ...Label) error {
	return metric(2, string(h), v, labels)
}

// metric calls the host function. Labels are lines of name=value there.
func metric(op int32, name string, v float64, labels []Label) error {
	if len(labels) == 0 {
		return check(raw.Metric(op, name, "", v))
	}
	var b strings.Builder
	for i, l := range labels {
		if strings.ContainsAny(l.Name, "=\n") || strings.Contains(l.Value, "\n") {
			return ErrInvalid
		}
		if i > 0 {
			b.WriteByte('\n')
		}
		b.WriteString(l.Name + "=" + l.Value)
	}
	return check(raw.Metric(op, name, b.String(), v))
}
