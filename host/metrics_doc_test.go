package host

import (
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"
)

// descText matches prometheus.Desc.String, because a Desc has no getters.
var descText = regexp.MustCompile(
	`^Desc\{fqName: "(\w+)", help: "(.*?)",.* constLabels: \{\}, variableLabels: \{(.*)\}\}$`)

// row returns the line of docs/METRICS.md for a metric.
func row(t *testing.T, d *prometheus.Desc, kind string) string {
	m := descText.FindStringSubmatch(d.String())
	if m == nil {
		t.Fatalf("cannot parse the description: %s", d)
	}
	labels := strings.Split(m[3], ",")
	for i, l := range labels {
		if l != "" {
			labels[i] = "`" + l + "`"
		}
	}
	return fmt.Sprintf("| `%s` | %s | %s | %s |", m[1], kind, strings.Join(labels, ", "), m[2])
}

// TestMetricsReference checks that docs/METRICS.md describes the metrics of the host and no others. Package admin
// checks its own.
func TestMetricsReference(t *testing.T) {
	m := newMetrics(nil)
	var want []string
	for _, v := range m.vectors() {
		kind := "counter"
		if _, ok := v.(*prometheus.HistogramVec); ok {
			kind = "histogram"
		}
		descs := make(chan *prometheus.Desc, 1)
		v.Describe(descs)
		want = append(want, row(t, <-descs, kind))
	}
	for _, d := range m.gauges() {
		kind := "gauge"
		if strings.Contains(d.String(), `_total"`) {
			kind = "counter"
		}
		want = append(want, row(t, d, kind))
	}
	text, err := os.ReadFile("../docs/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	names := map[string]bool{}
	for line := range strings.Lines(string(text)) {
		if !strings.HasPrefix(line, "| `azuhost_") {
			continue
		}
		name := strings.Split(line, "`")[1]
		names[name] = true
		if !strings.HasPrefix(name, "azuhost_api_") {
			got = append(got, strings.TrimSpace(line))
		}
	}
	for _, w := range want {
		if !slices.Contains(got, w) {
			t.Errorf("docs/METRICS.md lacks this line:\n%s", w)
		}
	}
	for _, g := range got {
		if !slices.Contains(want, g) {
			t.Errorf("docs/METRICS.md has a line that describes no metric:\n%s", g)
		}
	}
	// The queries and alerts of the document use metrics that exist.
	for _, name := range regexp.MustCompile(`azuhost_\w+`).FindAllString(string(text), -1) {
		base := name
		for _, part := range []string{"_bucket", "_count", "_sum"} {
			base = strings.TrimSuffix(base, part)
		}
		if !names[name] && !names[base] && !strings.HasPrefix(name, "azuhost_app_") {
			t.Errorf("docs/METRICS.md names %s, which does not exist", name)
		}
	}
}

// TestReasonsInReference checks that docs/METRICS.md explains every reason of refused connections.
func TestReasonsInReference(t *testing.T) {
	text, err := os.ReadFile("../docs/METRICS.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range refusals {
		if !strings.Contains(string(text), "* `"+string(r)+"`:") {
			t.Errorf("docs/METRICS.md does not explain the reason %s", r)
		}
	}
}
