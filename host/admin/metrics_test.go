package admin

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
)

// TestMetricsReference compares docs/METRICS.md with the metrics of this package.
func TestMetricsReference(t *testing.T) {
	registry, m := prometheus.NewRegistry(), newMetrics()
	if err := m.register(registry); err != nil {
		t.Fatal(err)
	}
	m.observe("node", 200, time.Second)
	families, err := registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	var want []string
	for _, f := range families {
		var labels []string
		for _, l := range f.GetMetric()[0].GetLabel() {
			labels = append(labels, "`"+l.GetName()+"`")
		}
		want = append(want, fmt.Sprintf("| `%s` | %s | %s | %s |",
			f.GetName(), strings.ToLower(f.GetType().String()), strings.Join(labels, ", "), f.GetHelp()))
	}
	text, err := os.ReadFile("../../docs/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for line := range strings.Lines(string(text)) {
		if strings.HasPrefix(line, "| `azuhost_api_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("docs/METRICS.md has\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

// TestCloseUnregisters checks that a host can have another Server after Close, but not before.
func TestCloseUnregisters(t *testing.T) {
	h, _ := newHost(t)
	s := newServer(t, h, Options{})
	if _, err := New(h, Options{}); err == nil {
		t.Error("two servers register the same metrics")
	}
	s.Close()
	newServer(t, h, Options{})
}
