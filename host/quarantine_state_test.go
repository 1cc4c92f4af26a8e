package host

import (
	"context"
	"log/slog"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// TestBackgroundEndsQuarantines checks that the background loop logs each change of the state once, when it is due.
func TestBackgroundEndsQuarantines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lockedLog{}
		h := &Host{clock: systemClock{}, log: slog.New(slog.NewTextHandler(log, nil))}
		h.metrics = newMetrics(h)
		r := Route{Path: "/c", Channel: &Funcs{}}.withDefaults()
		rt := newRouteRuntime(h, &settings{route: r, limits: r.Limits, logic: newChannelLogic(r.Channel), name: "go"})
		var wait sync.WaitGroup
		wait.Go(rt.background)
		for range 30 {
			rt.countFault(time.Now())
		}
		for _, want := range []string{"route quarantined", "route on probation", "route serves again"} {
			synctest.Wait()
			if n := strings.Count(log.take(), want); n != 1 {
				t.Errorf("%q is logged %d times", want, n)
			}
			if s := log.take(); s != "" {
				t.Errorf("another line is logged: %s", s)
			}
			at, ok := rt.breaker.Due()
			if ok != (want != "route serves again") {
				t.Fatalf("after %q: due %v", want, ok)
			}
			time.Sleep(time.Until(at))
		}
		close(rt.stop)
		wait.Wait()
	})
}

// manualClock is a Clock that a test sets. It never wakes a background loop.
type manualClock struct{ now atomic.Pointer[time.Time] }

func (c *manualClock) Now() time.Time { return *c.now.Load() }

func (c *manualClock) Set(t time.Time) { c.now.Store(&t) }

func (c *manualClock) Wait(_ time.Duration, _ chan struct{}, stop <-chan struct{}) bool {
	<-stop
	return false
}

// TestReportingStateChangesNothing checks that /metrics, Ready and Routes report the state of the current time, and
// neither change nor log it.
func TestReportingStateChangesNothing(t *testing.T) {
	log, clock := &lockedLog{}, &manualClock{}
	begun := time.Now()
	clock.Set(begun)
	r := Route{Path: "/c", Channel: &Funcs{}, Limits: Limits{Faults: 1, FaultWindow: time.Minute}}
	h, err := New(Options{Log: slog.New(slog.NewTextHandler(log, nil)), Clock: clock, Routes: []Route{r}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	rt := h.runtime("/c")
	rt.countFault(clock.Now())
	rt.countFault(clock.Now())
	if s := log.take(); !strings.Contains(s, "route quarantined") {
		t.Fatalf("the log: %q", s)
	}
	due, _ := rt.breaker.Due()
	metrics := promhttp.HandlerFor(h.Registry(), promhttp.HandlerOpts{})
	scrape := func() string {
		w := httptest.NewRecorder()
		metrics.ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
		return w.Body.String()
	}
	ready := func() string {
		_, err := h.Ready()
		if err != nil {
			return err.Error()
		}
		return "ok"
	}
	for _, tc := range []struct {
		after    time.Duration
		want     RouteState
		metric   string
		ready    string
		duration time.Duration // from the first fault to the end of the state; 0: no end
	}{
		{0, Quarantined, " 1", "every route is quarantined", time.Second},
		{time.Second, Probation, " 0", "ok", time.Minute + time.Second},
		{time.Hour, Serving, " 0", "ok", 0},
	} {
		clock.Set(begun.Add(tc.after))
		want := `azuhost_plugin_quarantined{plugin="go",route="/c"}` + tc.metric + "\n"
		if !strings.Contains(scrape(), want) {
			t.Errorf("after %v: no %q in /metrics", tc.after, want)
		}
		if body := ready(); !strings.HasPrefix(body, tc.ready) {
			t.Errorf("after %v: Ready returns %q, want %q", tc.after, body, tc.ready)
		}
		var until time.Time
		if tc.duration > 0 {
			until = begun.Add(tc.duration)
		}
		if info := h.Routes()[0]; info.State != tc.want || !info.Until.Equal(until) {
			t.Errorf("after %v: %s until %v", tc.after, info.State, info.Until)
		}
		if at, ok := rt.breaker.Due(); !ok || !at.Equal(due) {
			t.Errorf("after %v: the state has changed", tc.after)
		}
		if s := log.take(); s != "" {
			t.Errorf("after %v: %q is logged", tc.after, s)
		}
	}
	rt.advanceState(clock.Now())
	if s := log.take(); strings.Count(s, "route on probation") != 1 || strings.Count(s, "route serves again") != 1 {
		t.Errorf("the log after the changes: %q", s)
	}
}
