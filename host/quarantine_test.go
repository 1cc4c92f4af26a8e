package host

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testFaults = 3
	testWindow = 10 * time.Second
)

// faultAll counts n faults at once, and says whether one began a quarantine.
func faultAll(q *quarantine, n int) (began bool) {
	for range n {
		_, b := q.fault(time.Now(), testFaults, testWindow)
		began = began || b
	}
	return began
}

// stateNow has due changes happen.
func stateNow(q *quarantine) RouteState {
	for {
		if _, ok := q.pass(time.Now(), testWindow); !ok {
			s, _ := q.now()
			return s
		}
	}
}

func TestQuarantineNeedsMoreFaultsThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quarantine
		if faultAll(&q, testFaults) || stateNow(&q) != Serving {
			t.Error("quarantined by as many faults as are allowed")
		}
		time.Sleep(testWindow + 1)
		if faultAll(&q, testFaults) {
			t.Error("old faults count")
		}
		time.Sleep(testWindow - 1)
		if !faultAll(&q, 1) || stateNow(&q) != Quarantined {
			t.Error("one more, and it serves")
		}
	})
}

// TestSlowFaultsAreBorne has a fault come now and then, for long.
func TestSlowFaultsAreBorne(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quarantine
		for range 1000 {
			if faultAll(&q, 1) {
				t.Fatal("quarantined")
			}
			time.Sleep(testWindow/testFaults + 1)
		}
		if len(q.ring) != testFaults+1 {
			t.Errorf("%d times are kept", len(q.ring))
		}
	})
}

func TestQuarantineDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quarantine
		faultAll(&q, testFaults+1)
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if faultAll(&q, 100) { // of connections that stay
				t.Error("a quarantine in a quarantine")
			}
			time.Sleep(want*time.Second - 1)
			if s := stateNow(&q); s != Quarantined {
				t.Fatalf("%s shortly before %d s are over", s, want)
			}
			time.Sleep(time.Nanosecond)
			if s := stateNow(&q); s != Probation {
				t.Fatalf("%s after %d s", s, want)
			}
			time.Sleep(testWindow - 1)
			if !faultAll(&q, 1) {
				t.Fatal("a fault on probation was borne")
			}
		}
		// A window without a fault, and all is forgotten.
		time.Sleep(maxQuarantine + testWindow)
		if s := stateNow(&q); s != Serving {
			t.Errorf("%s after the probation", s)
		}
		if faultAll(&q, testFaults) || !faultAll(&q, 1) {
			t.Error("it does not count from the beginning")
		}
		if _, until := q.now(); time.Until(until) != firstQuarantine {
			t.Errorf("the next one lasts %v", time.Until(until))
		}
	})
}

func TestLiftForgets(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var q quarantine
		if _, ok := q.lift("x"); ok {
			t.Error("there was nothing to lift")
		}
		faultAll(&q, testFaults+1)
		if c, ok := q.lift("x"); !ok || c.to != Serving || c.why != "x" || stateNow(&q) != Serving {
			t.Errorf("%+v", c)
		}
		if faultAll(&q, testFaults) {
			t.Error("faults from before count")
		}
	})
}

// TestClerkEndsQuarantines: each change of the state is logged once, when it
// happens, although nobody asks.
func TestClerkEndsQuarantines(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		log := &lockedLog{}
		h := &Host{clock: systemClock{}, log: slog.New(slog.NewTextHandler(log, nil))}
		h.metrics = newMetrics(h)
		r := Route{Path: "/c", Channel: &Funcs{}}.withDefaults()
		rt := newRouteRuntime(h, &settings{route: r, limits: r.Limits, logic: newChannelLogic(r.Channel), name: "go"})
		var wait sync.WaitGroup
		wait.Go(rt.background)
		for range 30 {
			rt.faulted(time.Now())
		}
		for _, want := range []string{"route quarantined", "route on probation", "route serves again"} {
			synctest.Wait()
			if n := strings.Count(log.take(), want); n != 1 {
				t.Errorf("%q is logged %d times", want, n)
			}
			if s := log.take(); s != "" {
				t.Errorf("more is logged: %s", s)
			}
			at, ok := rt.quarantine.due()
			if ok != (want != "route serves again") {
				t.Fatalf("after %q: due %v", want, ok)
			}
			time.Sleep(time.Until(at))
		}
		close(rt.stop)
		wait.Wait()
	})
}

type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	l.b.Reset()
	return s
}

// TestGuestLines of a channel in Go are bounded and escaped as those of plugins.
func TestGuestLines(t *testing.T) {
	log := &lockedLog{}
	h, err := New(Options{Log: slog.New(slog.NewTextHandler(log, nil)), Routes: []Route{{Path: "/c", Channel: &Funcs{}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	rt := h.runtime("/c")
	k := &call{rt: rt, set: rt.settings.Load()}
	k.Log(2, []byte("\x1b[31mred\nnext"+strings.Repeat("x", 5000)))
	line := log.take()
	if !strings.Contains(line, `\x1b[31mred\x0anext`) || strings.Count(line, "\n") != 1 || len(line) > 1500 {
		t.Errorf("%d bytes: %.200q", len(line), line)
	}
	for range 1000 {
		k.Log(1, []byte("flood"))
	}
	if n := strings.Count(log.take(), "flood"); n < 100 || n > 500 {
		t.Errorf("%d of 1000 lines are logged", n)
	}
	mfs, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	dropped := 0.0
	for _, mf := range mfs {
		if mf.GetName() == "azuhost_plugin_log_lines_dropped_total" {
			dropped = mf.GetMetric()[0].GetCounter().GetValue()
		}
	}
	if dropped < 500 || dropped > 900 {
		t.Errorf("%v lines are counted as dropped", dropped)
	}
	for next := ""; ; next = log.take() { // when there is room again
		if strings.Contains(next, "at last") {
			if !strings.Contains(next, "dropped_before=") {
				t.Errorf("the next line is %q", next)
			}
			return
		}
		k.Log(1, []byte("at last"))
	}
}
