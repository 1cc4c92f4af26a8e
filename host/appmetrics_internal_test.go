package host

import (
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// TestSeriesOfARouteThatComesBack: they are its own while the channel before still drains,
// and after; one that is forgotten makes none.
func TestSeriesOfARouteThatComesBack(t *testing.T) {
	a := newAppMetrics()
	channelOf := func() *routeRuntime {
		rt := &routeRuntime{pattern: "/c"}
		rt.settings.Store(&settings{limits: Limits{MetricSeries: 2}})
		return rt
	}
	count := func(rt *routeRuntime, name string) { a.apply(rt, abi.CounterAdd, name, "", 1) }
	want := func(values map[string]float64) {
		t.Helper()
		if len(a.defs) != len(values) {
			t.Errorf("%d metrics, want %v", len(a.defs), values)
		}
		for name, v := range values {
			d := a.defs[name]
			if d == nil || d.series["/c\n"] == nil || d.series["/c\n"].value != v {
				t.Errorf("%s is not %v: %+v", name, v, d)
			}
		}
	}
	before, after := channelOf(), channelOf()
	count(before, "hits")
	count(before, "gone")
	before.retired.Store(true)
	count(after, "hits")
	count(before, "hits") // while it drains
	count(after, "own")
	count(after, "more") // one too many
	want(map[string]float64{"azuhost_app_hits_total": 3, "azuhost_app_gone_total": 1, "azuhost_app_own_total": 1})
	a.forget(before)
	count(before, "late")
	want(map[string]float64{"azuhost_app_hits_total": 3, "azuhost_app_own_total": 1})
	if len(a.series) != 1 || a.series[after] != 2 {
		t.Errorf("counted: %v", a.series)
	}
	a.forget(after)
	want(nil)
	if len(a.series) != 0 {
		t.Errorf("counted: %v", a.series)
	}
}
