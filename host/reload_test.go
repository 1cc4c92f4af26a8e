package host_test

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/wstest"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus"
)

func reload(t *testing.T, h *host.Host, o host.Options) {
	t.Helper()
	if err := h.Reload(testContext(t), o); err != nil {
		t.Fatal(err)
	}
}

func TestReloadKeepsWhatStays(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		gone := echoRoute()
		h, url := serveQuiet(t, host.Options{Routes: []host.Route{r, gone}})
		c, old := dialDo(t, url+"/c", "j room;i me;v k|1;S k|1;W hour"), dial(t, url+"/echo")
		do(t, old, "x", "x")
		// One route has other options, one is gone, and one is new.
		r.Limits.MaxRoomsPerConnection, r.Limits.HookEffects, r.OnFault = 200, 150, host.FaultClose
		added := host.Route{Path: "/new", Channel: scriptInGo()}
		reload(t, h, host.Options{Routes: []host.Route{added, r}})
		wantClose(t, old, 1001, "the channel is gone")
		wantStatus(t, refused(t, url+"/echo"), 404)
		do(t, dial(t, url+"/new"), "s new", "new")
		do(t, c, "n room;o me;g k;G k;r", "1", "1", "1", "1", "room")
		wantMetric(t, h, `azuhost_timers{route="/c"}`, 1)
		for i := range 15 { // more than the old limit allows
			var joins strings.Builder
			for k := range 10 {
				joins.WriteString("j " + strings.Repeat("x", i*10+k+1) + ";")
			}
			send(t, c, joins.String())
		}
		do(t, c, "n "+strings.Repeat("x", 150), "1")
		do(t, c, strings.Repeat("s x;", 149)+"s last", append(repeat("x", 149), "last")...)
		send(t, c, "!")
		wantClose(t, c, 1011, "internal error")
		if routes := h.Routes(); len(routes) != 2 || routes[0].Path != "/new" || routes[1].Path != "/c" {
			t.Errorf("%+v", routes)
		}
	})
}

func repeat(s string, n int) (out []string) {
	for range n {
		out = append(out, s)
	}
	return out
}

// TestReloadUnderLoad changes a plugin's config while it serves: no message is lost, and on_load of each new version
// takes effect once.
func TestReloadUnderLoad(t *testing.T) {
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		t.Run(string(mode), func(t *testing.T) {
			route := func(do string) host.Route {
				return host.Route{
					Path: "/c", Plugin: scriptGuest, Instances: mode, Config: map[string]any{"do": do},
					Limits: host.Limits{Deadline: patient},
				}
			}
			h, url := serve(t, host.Options{Routes: []host.Route{route("A loads")}})
			c := dial(t, url+"/c")
			do(t, c, "G loads", "1")
			const writers, messages = 8, 300
			var wait sync.WaitGroup
			var running atomic.Int32
			for range writers {
				c := wstest.Dial(t, url, "/c")
				running.Add(1)
				wait.Go(func() {
					defer running.Add(-1)
					for range messages {
						if err := c.WriteText("A n;s ok"); err != nil {
							t.Error(err)
							return
						}
						if p, err := c.ReadFrame(); err != nil || string(p) != "ok" {
							t.Errorf("%q %v", p, err)
							return
						}
					}
				})
			}
			loads := 1
			for running.Load() > 0 && loads < 9 {
				loads++
				reload(t, h, host.Options{Routes: []host.Route{route("A loads;S config|" + strings.Repeat("x", loads))}})
			}
			wait.Wait()
			do(t, c, "G n;G loads", "2400", string(rune('0'+loads)))
			if loads > 1 {
				do(t, c, "G config", strings.Repeat("x", loads))
			}
		})
	}
}

// TestReloadFails: a reload that fails changes nothing.
func TestReloadFails(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.wasm")
	if err := os.WriteFile(bad, []byte("not wasm"), 0o600); err != nil {
		t.Fatal(err)
	}
	was := host.Route{Path: "/c", Plugin: scriptGuest, Config: map[string]any{"do": "A loads"}}
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{was, echoRoute()}})
	c := dial(t, url+"/c")
	changed := was
	changed.Config = map[string]any{"do": "A loads;B news;T B timer;S evil|1"}
	for name, tc := range map[string]struct {
		o     host.Options
		names []string
	}{
		"a plugin": {
			host.Options{Routes: []host.Route{changed, {Path: "/bad", Plugin: bad}}},
			[]string{"/bad", "bad.wasm"},
		},
		"a missing file": {
			host.Options{Routes: []host.Route{changed, {Path: "/bad", Plugin: bad + "2"}}},
			[]string{"/bad", "bad.wasm2"},
		},
		"a conflict": {
			host.Options{Routes: []host.Route{
				changed, {Path: "/x/:a", Channel: scriptInGo()}, {Path: "/:b/y", Channel: scriptInGo()},
			}},
			[]string{"/x/:a", "/:b/y"},
		},
		"a proxy": {
			host.Options{Routes: []host.Route{changed}, TrustedProxies: []string{"nowhere"}},
			[]string{"nowhere"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			err := h.Reload(testContext(t), tc.o)
			if err == nil {
				t.Fatal("no error")
			}
			for _, n := range tc.names {
				if !strings.Contains(err.Error(), n) {
					t.Errorf("%v does not name %s", err, n)
				}
			}
			do(t, c, "G loads;G evil;s end", "1", "!2", "end")
			do(t, dial(t, url+"/echo"), "x", "x")
			wantMetric(t, h, `azuhost_timers{route="/c"}`, 0)
		})
	}
}

func TestReloadNeedsRestart(t *testing.T) {
	routes := []host.Route{{Path: "/c", Channel: scriptInGo()}}
	h, _ := serve(t, host.Options{Routes: routes})
	for name, o := range map[string]host.Options{
		"PingInterval":             {PingInterval: time.Hour},
		"PongTimeout":              {PongTimeout: time.Hour},
		"MessageTimeout":           {MessageTimeout: time.Hour},
		"CloseTimeout":             {CloseTimeout: time.Hour},
		"StateDir":                 {StateDir: t.TempDir()},
		"MaxConnections":           {MaxConnections: 7},
		"MaxConnectionsPerAddress": {MaxConnectionsPerAddress: 7},
	} {
		o.Routes = routes
		if err := h.Reload(t.Context(), o); !errors.Is(err, host.ErrRestart) || !strings.Contains(err.Error(), name) {
			t.Errorf("%s: %v", name, err)
		}
	}
	grace := routes[0]
	grace.PresenceGrace = time.Second
	if err := h.Reload(t.Context(), host.Options{Routes: []host.Route{grace}}); !errors.Is(err, host.ErrRestart) {
		t.Errorf("PresenceGrace: %v", err)
	}
	stop(t, h)
	if err := h.Reload(t.Context(), host.Options{}); err == nil {
		t.Error("a closed host was reloaded")
	}
}

// valueChannel is a Channel that can not be compared.
type valueChannel struct {
	*host.Funcs
	_ []int
}

func TestReloadOfAnyChannel(t *testing.T) {
	o := host.Options{Routes: []host.Route{{Path: "/c", Channel: valueChannel{Funcs: scriptInGo()}}}}
	h, url := serve(t, o)
	c := dial(t, url+"/c")
	reload(t, h, o)
	do(t, c, "s still here", "still here")
}

// TestOneRegistry: one registry serves hosts one after the other, but not two at once.
func TestOneRegistry(t *testing.T) {
	o := host.Options{Registry: prometheus.NewRegistry(), Routes: []host.Route{{Path: "/c", Channel: scriptInGo()}}}
	for range 2 {
		h, url := serve(t, o)
		c := dial(t, url+"/c")
		do(t, c, "M;s counted", "counted")
		if _, err := host.New(o); err == nil {
			t.Error("two hosts with the same metrics")
		}
		wantMetric(t, h, `azuhost_app_hits_total{route="/c"}`, 1)
		wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
		if _, err := o.Registry.Gather(); err != nil { // no series of the host before
			t.Error(err)
		}
		_ = c.CloseNow()
		stop(t, h)
	}
}

func TestLivezAndReadyz(t *testing.T) {
	h, _ := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Plugin: scriptGuest}}})
	get := func(path string) int {
		status, _ := internal(t, h, path)
		return status
	}
	if l, r := get("/livez"), get("/readyz"); l != 200 || r != 200 {
		t.Errorf("livez %d, readyz %d", l, r)
	}
	stop(t, h)
	if l, r := get("/livez"), get("/readyz"); l != 200 || r != 503 {
		t.Errorf("closed: livez %d, readyz %d", l, r)
	}
}

// TestReloadDuringAHandshake: a connection whose route is removed while on_connect runs is closed.
func TestReloadDuringAHandshake(t *testing.T) {
	f, events := closing()
	f.Concurrent = true
	running, accept := make(chan struct{}), make(chan struct{})
	f.OnConnect = func(env host.Env, conn host.ConnID) error {
		if _, err := env.Query(conn, "wait"); err == nil {
			close(running)
			<-accept
		}
		return nil
	}
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	old := dial(t, url+"/c")
	late := make(chan *websocket.Conn, 1)
	go func() {
		c, _, err := websocket.Dial(testContext(t), url+"/c?wait", nil)
		if err != nil {
			t.Error(err)
		}
		late <- c
	}()
	receive(t, running)
	reload(t, h, host.Options{})
	wantClose(t, old, 1001, "the channel is gone")
	close(accept)
	wantClose(t, receive(t, late), 1001, "the channel is gone")
	for range 2 {
		if e := receive(t, events); e.code != 1001 {
			t.Errorf("on_close with %d", e.code)
		}
	}
}
