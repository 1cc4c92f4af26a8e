package connlimit

import (
	"net/netip"
	"testing"
)

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

func TestBounds(t *testing.T) {
	l := New[string](4, 2)
	a, b, c := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("192.0.2.2"), netip.MustParseAddr("192.0.2.3")
	for i, step := range []struct {
		route string
		addr  netip.Addr
		want  Bound
	}{
		{"/x", a, None}, {"/x", a, None}, {"/y", a, PerAddress}, {"/x", b, None},
		{"/x", b, PerRoute}, {"/y", c, None}, {"/y", c, Total},
	} {
		if got := l.Acquire(step.route, step.addr, 3); got != step.want {
			t.Errorf("step %d: %v, want %v", i, got, step.want)
		}
	}
	if l.Count() != 4 || l.CountRoute("/x") != 3 || l.CountRoute("/y") != 1 {
		t.Errorf("%d connections, %d and %d of the routes", l.Count(), l.CountRoute("/x"), l.CountRoute("/y"))
	}
	l.Release("/x", a)
	if got := l.Acquire("/y", a, 3); got != None {
		t.Errorf("after a release: %v", got)
	}
}

// TestIdle waits for the connections of a route and of the host.
func TestIdle(t *testing.T) {
	l := New[string](10, 0)
	a := netip.MustParseAddr("192.0.2.1")
	l.Acquire("/x", a, 0)
	l.Acquire("/y", a, 0)
	x := l.Idle("/x")
	if isClosed(x) || !isClosed(l.Idle("/z")) {
		t.Error("/x is idle, or /z is not")
	}
	l.Release("/x", a)
	if !isClosed(x) {
		t.Error("/x is not idle")
	}
	all := l.Close()
	if isClosed(all) {
		t.Error("the host is idle")
	}
	if got := l.Acquire("/y", a, 0); got != Closing {
		t.Errorf("Acquire after Close: %v", got)
	}
	l.Release("/y", a)
	if !isClosed(all) || !isClosed(l.Close()) {
		t.Error("the host is not idle")
	}
}
