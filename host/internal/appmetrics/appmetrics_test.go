package appmetrics

import (
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// TestRouteThatComesBack changes series of a route while another one of the same path
// drains. The new route owns them, and an ended route makes none.
func TestRouteThatComesBack(t *testing.T) {
	const limit = 2
	m := New()
	count := func(r *Route, name string) { r.Apply(abi.CounterAdd, name, "", 1, limit) }
	want := func(values map[string]float64) {
		t.Helper()
		if len(m.defs) != len(values) {
			t.Errorf("%d metrics, want %v", len(m.defs), values)
		}
		for name, v := range values {
			d := m.defs[name]
			if d == nil || d.series["/c\n"] == nil || d.series["/c\n"].value != v {
				t.Errorf("%s is not %v: %+v", name, v, d)
			}
		}
	}
	before, after := m.NewRoute("/c"), m.NewRoute("/c")
	count(before, "hits")
	count(before, "gone")
	before.Retire()
	count(after, "hits")
	count(before, "hits") // while it drains
	count(after, "own")
	count(after, "more") // exceeds the limit
	want(map[string]float64{"azuhost_app_hits_total": 3, "azuhost_app_gone_total": 1, "azuhost_app_own_total": 1})
	before.End()
	count(before, "late")
	want(map[string]float64{"azuhost_app_hits_total": 3, "azuhost_app_own_total": 1})
	if before.series != 0 || after.series != 2 {
		t.Errorf("%d and %d series are counted, want 0 and 2", before.series, after.series)
	}
	after.End()
	want(nil)
	if after.series != 0 {
		t.Errorf("%d series are counted, want 0", after.series)
	}
}
