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
)

// reload reloads a host.
func reload(t *testing.T, h *host.Host, o host.Options) {
	t.Helper()
	if err := h.Reload(testContext(t), o); err != nil {
		t.Fatal(err)
	}
}

// TestReloadKeepsState checks that a reload keeps the connections and the state of a route, applies its new options,
// and closes the connections of a removed route.
func TestReloadKeepsState(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		gone := echoRoute()
		h, url := serveQuiet(t, host.Options{Routes: []host.Route{r, gone}})
		c := dialDo(t, url+"/c", "join room;identify me;value_set k|1;store_set k|1;timer_set hour|3600000")
		old := dial(t, url+"/echo")
		do(t, old, "x", "x")
		// The reload changes one route, removes one and adds one.
		r.Limits.MaxRoomsPerConnection, r.Limits.HookEffects, r.OnFault = 200, 150, host.FaultClose
		added := host.Route{Path: "/new", Channel: scriptInGo()}
		reload(t, h, host.Options{Routes: []host.Route{added, r}})
		wantClose(t, old, 1001, "the channel is gone")
		wantStatus(t, refused(t, url+"/echo"), 404)
		do(t, dial(t, url+"/new"), "send new", "new")
		do(t, c, "room_size room;online me;value_get k;store_get k;rooms", "1", "1", "1", "1", "room")
		wantMetric(t, h, `azuhost_timers{route="/c"}`, 1)
		for i := range 15 { // more than the old limit allows
			var joins strings.Builder
			for k := range 10 {
				joins.WriteString("join " + strings.Repeat("x", i*10+k+1) + ";")
			}
			send(t, c, joins.String())
		}
		do(t, c, "room_size "+strings.Repeat("x", 150), "1")
		do(t, c, strings.Repeat("send x;", 149)+"send last", append(repeat("x", 149), "last")...)
		send(t, c, "trap")
		wantClose(t, c, 1011, "internal error")
		if routes := h.Routes(); len(routes) != 2 || routes[0].Path != "/new" || routes[1].Path != "/c" {
			t.Errorf("%+v", routes)
		}
	})
}

// repeat returns n copies of s.
func repeat(s string, n int) (out []string) {
	for range n {
		out = append(out, s)
	}
	return out
}

// TestReloadUnderLoad checks that no message is lost while a reload changes a plugin's config, and that on_load of each
// new version takes effect once.
func TestReloadUnderLoad(t *testing.T) {
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		t.Run(string(mode), func(t *testing.T) {
			route := func(do string) host.Route {
				return host.Route{
					Path: "/c", Plugin: scriptGuest, Instances: mode, Config: map[string]any{"do": do},
					Limits: host.Limits{Deadline: hookDeadline},
				}
			}
			h, url := serve(t, host.Options{Routes: []host.Route{route("store_add loads")}})
			c := dial(t, url+"/c")
			do(t, c, "store_get loads", "1")
			const writers, messages = 8, 300
			var wait sync.WaitGroup
			var running atomic.Int32
			for range writers {
				c := wstest.Dial(t, url, "/c")
				running.Add(1)
				wait.Go(func() {
					defer running.Add(-1)
					for range messages {
						if err := c.WriteText("store_add n;send ok"); err != nil {
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
				next := route("store_add loads;store_set config|" + strings.Repeat("x", loads))
				reload(t, h, host.Options{Routes: []host.Route{next}})
			}
			wait.Wait()
			do(t, c, "store_get n;store_get loads", "2400", string(rune('0'+loads)))
			if loads > 1 {
				do(t, c, "store_get config", strings.Repeat("x", loads))
			}
		})
	}
}

// TestReloadFails checks that a reload that fails changes nothing.
func TestReloadFails(t *testing.T) {
	bad := filepath.Join(t.TempDir(), "bad.wasm")
	if err := os.WriteFile(bad, []byte("not wasm"), 0o600); err != nil {
		t.Fatal(err)
	}
	old := host.Route{Path: "/c", Plugin: scriptGuest, Config: map[string]any{"do": "store_add loads"}}
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{old, echoRoute()}})
	c := dial(t, url+"/c")
	changed := old
	changed.Config = map[string]any{
		"do": "store_add loads;broadcast_all news;channel_timer_set broadcast_all timer;store_set evil|1",
	}
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
			do(t, c, "store_get loads;store_get evil;send end", "1", "!2", "end")
			do(t, dial(t, url+"/echo"), "x", "x")
			wantMetric(t, h, `azuhost_timers{route="/c"}`, 0)
		})
	}
}

// TestReloadNeedsRestart checks that Reload returns ErrRestart with the name of an option that it cannot change, and an
// error once the host is closed.
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

// valueChannel is a Channel that cannot be compared with ==.
type valueChannel struct {
	*host.Funcs
	_ []int
}

// TestReloadIncomparableChannel checks that a reload keeps the connections of a Channel that cannot be compared.
func TestReloadIncomparableChannel(t *testing.T) {
	o := host.Options{Routes: []host.Route{{Path: "/c", Channel: valueChannel{Funcs: scriptInGo()}}}}
	h, url := serve(t, o)
	c := dial(t, url+"/c")
	reload(t, h, o)
	do(t, c, "send still here", "still here")
}

// TestReloadDuringHandshake checks that a connection is closed with 1001 if its route is removed while on_connect runs.
func TestReloadDuringHandshake(t *testing.T) {
	f, events := recordCloses()
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
