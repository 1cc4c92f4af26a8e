package host_test

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
)

// stateOf returns the state of a route.
func stateOf(t *testing.T, h *host.Host, path string) host.RouteState {
	t.Helper()
	for _, r := range h.Routes() {
		if r.Path == path {
			return r.State
		}
	}
	t.Fatalf("no route %s", path)
	return ""
}

// TestQuarantine checks the states of a route whose hooks trap: quarantined, on probation, quarantined for twice as
// long, and serving after Lift.
func TestQuarantine(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Limits.Faults, r.Limits.FaultWindow = 2, time.Minute
		h, url := serveQuiet(t, host.Options{Routes: []host.Route{r, echoRoute()}})
		name := h.Routes()[0].Plugin
		series := `azuhost_plugin_quarantined{plugin="` + name + `",route="/c"}`
		c := dial(t, url+"/c")
		for range 30 {
			do(t, c, "fail no luck", internalError) // an error of a hook is no fault
		}
		do(t, c, "trap;", internalError)
		do(t, c, "trap", internalError)
		if s := stateOf(t, h, "/c"); s != host.Serving {
			t.Errorf("%s after as many faults as are allowed", s)
		}
		do(t, c, "trap", internalError)
		if s := stateOf(t, h, "/c"); s != host.Quarantined {
			t.Errorf("%s after one more", s)
		}
		if left := time.Until(h.Routes()[0].Until); left <= 0 || left > time.Second {
			t.Errorf("the first quarantine ends in %s, want a second at most", left)
		}
		res := refused(t, url+"/c")
		wantStatus(t, res, 503)
		if after := res.Header.Get("Retry-After"); after != "1" {
			t.Errorf("Retry-After: %q", after)
		}
		wantMetric(t, h, `azuhost_connections_refused_total{reason="quarantine",route="/c"}`, 1)
		wantMetric(t, h, `azuhost_plugin_quarantines_total{plugin="`+name+`",route="/c"}`, 1)
		do(t, c, "send goes on", "goes on") // open connections stay
		do(t, dial(t, url+"/echo"), "x", "x")
		if code, body := internal(t, h, "/readyz"); code != 200 || !strings.Contains(body, "quarantined: /c") {
			t.Errorf("readyz: %d %q", code, body)
		}
		eventually(t, "probation", func() bool { return stateOf(t, h, "/c") == host.Probation })
		wantMetric(t, h, series, 0)
		d := dial(t, url+"/c")
		do(t, d, "trap", internalError) // the first fault
		if after := refused(t, url+"/c").Header.Get("Retry-After"); after != "2" {
			t.Errorf("Retry-After the second time: %q", after)
		}
		wantMetric(t, h, series, 1)
		if err := h.Lift("/c"); err != nil {
			t.Error(err)
		}
		do(t, dial(t, url+"/c"), "send in", "in")
		if code, body := internal(t, h, "/readyz"); code != 200 || body != "ok\n" {
			t.Errorf("readyz: %d %q", code, body)
		}
		if err := h.Lift("/x"); !errors.Is(err, host.ErrUnknownRoute) {
			t.Error(err)
		}
	})
}

// quarantine has a route whose limit is one fault quarantined.
func quarantine(t *testing.T, h *host.Host, url, path string) {
	t.Helper()
	c := dial(t, url+path)
	do(t, c, "trap", internalError)
	do(t, c, "trap", internalError)
	if s := stateOf(t, h, path); s != host.Quarantined {
		t.Fatal(s)
	}
}

// TestQuarantineWithFaultClose checks that faults that close their connections begin a quarantine, and that open
// connections stay.
func TestQuarantineWithFaultClose(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.OnFault, r.Limits.Faults = host.FaultClose, 1
		_, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
		stays := dial(t, url+"/c")
		for range 2 {
			c := dial(t, url+"/c")
			send(t, c, "trap")
			wantClose(t, c, 1011, "internal error")
		}
		wantStatus(t, refused(t, url+"/c"), 503)
		do(t, stays, "send here", "here")
		send(t, stays, "trap")
		wantClose(t, stays, 1011, "internal error")
	})
}

// TestReadyzWhenAllAreQuarantined checks that the host is not ready if every route is quarantined, and ready if only
// some are.
func TestReadyzWhenAllAreQuarantined(t *testing.T) {
	a := host.Route{Path: "/a", Channel: scriptInGo(), Limits: host.Limits{Faults: 1}}
	b := host.Route{Path: "/b", Channel: scriptInGo(), Limits: host.Limits{Faults: 1}}
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{a, b}})
	quarantine(t, h, url, "/a")
	if code, _ := internal(t, h, "/readyz"); code != 200 {
		t.Errorf("readyz: %d", code)
	}
	quarantine(t, h, url, "/b")
	code, body := internal(t, h, "/readyz")
	stillQuarantined := stateOf(t, h, "/a") == host.Quarantined
	if code != 503 && stillQuarantined || code == 503 && !strings.Contains(body, "/a, /b") {
		t.Errorf("readyz: %d %q", code, body)
	}
}

// TestChangesEndQuarantine checks that another version of the plugin, or a change of the route, ends a quarantine.
func TestChangesEndQuarantine(t *testing.T) {
	file := t.TempDir() + "/p.wasm"
	write(t, file, version(t, 1))
	log := &logBuffer{}
	r := host.Route{Path: "/c", Plugin: file, Limits: host.Limits{Faults: 1, Deadline: hookDeadline}}
	o := host.Options{Log: slog.New(slog.NewTextHandler(log, nil)), Routes: []host.Route{r}}
	h, url := serve(t, o)
	quarantine(t, h, url, "/c")
	reload(t, h, o)
	if s := stateOf(t, h, "/c"); s != host.Quarantined {
		t.Errorf("%s after a reload that changes nothing", s)
	}
	write(t, file, version(t, 2))
	reload(t, h, o)
	do(t, dial(t, url+"/c"), "version", "version-2")
	quarantine(t, h, url, "/c")
	o.Routes[0].Limits.Timers = 7
	reload(t, h, o)
	do(t, dial(t, url+"/c"), "version", "version-2")
	text := log.String()
	for s, n := range map[string]int{
		"route quarantined": 2, "route serves again": 2, "Host.Lift": 2,
		"plugin=p": 1, "a new version": 1, "the route has changed": 1,
	} {
		if got := strings.Count(text, s); got < n || n == 2 && got != 2 {
			t.Errorf("%q is logged %d times", s, got)
		}
	}
}
