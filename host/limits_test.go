package host_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
	"github.com/coder/websocket"
)

func TestMessageLimit(t *testing.T) {
	r := echoRoute()
	r.Limits.MaxMessage = 100
	_, url := serve(t, host.Options{Routes: []host.Route{r}})
	c := dial(t, url+"/echo")
	do(t, c, strings.Repeat("x", 100), strings.Repeat("x", 100))
	send(t, c, strings.Repeat("x", 101))
	if _, _, err := c.Read(testContext(t)); websocket.CloseStatus(err) != 1009 {
		t.Error(err)
	}
}

func TestConnectionLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		o      host.Options
		limits host.Limits
		status int
		reason string
	}{
		"total":       {o: host.Options{MaxConnections: 2}, status: 503, reason: "connections"},
		"per address": {o: host.Options{MaxConnectionsPerAddress: 2}, status: 429, reason: "connections_per_address"},
		"per route":   {limits: host.Limits{MaxConnections: 2}, status: 503, reason: "connections_per_route"},
	} {
		t.Run(name, func(t *testing.T) {
			r := echoRoute()
			r.Limits = tc.limits
			tc.o.Routes = []host.Route{r}
			h, url := serve(t, tc.o)
			first, _ := dial(t, url+"/echo"), dial(t, url+"/echo")
			res := refused(t, url+"/echo")
			wantStatus(t, res, tc.status)
			if res.Header.Get("Retry-After") == "" {
				t.Error("no Retry-After")
			}
			wantMetric(t, h, fmt.Sprintf(`azuhost_connections_refused_total{reason=%q,route="/echo"}`, tc.reason), 1)
			_ = first.CloseNow()
			wantMetric(t, h, `azuhost_connections{route="/echo"}`, 1)
			do(t, dial(t, url+"/echo"), "in again", "in again")
		})
	}
}

// TestClosingConnectionsCount has a client that was closed and stays: on_close does
// not wait for it, and its place is not free.
func TestClosingConnectionsCount(t *testing.T) {
	f, events := closing()
	h, url := serve(t, host.Options{MaxConnections: 1, CloseTimeout: time.Minute, Routes: []host.Route{{Path: "/c", Channel: f}}})
	c := wstest.Dial(t, url, "/c")
	if _, err := c.Write([]byte{0xf1, 0x80, 0, 0, 0, 0}); err != nil { // reserved bits
		t.Fatal(err)
	}
	if p, err := c.ReadFrame(); err != nil || !strings.HasPrefix(string(p), "\x03\xea") {
		t.Fatalf("got %q (%v), want a close frame with 1002", p, err)
	}
	if e := receive(t, events); e.code != 1002 {
		t.Errorf("on_close with %d, want 1002", e.code)
	}
	wantStatus(t, refused(t, url+"/c"), http.StatusServiceUnavailable)
	_ = c.Close()
	wantMetric(t, h, `azuhost_connections{route="/c"}`, 0)
	_ = dial(t, url+"/c")
}

// TestNoLimitPerAddress has many connections from one address.
func TestNoLimitPerAddress(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}, MaxConnectionsPerAddress: -1})
	for range 20 {
		do(t, dial(t, url+"/echo"), "x", "x")
	}
}

func TestHookLimits(t *testing.T) {
	x := []byte("x")
	for name, tc := range map[string]struct {
		limits host.Limits
		times  int // that it succeeds
		do     func(env host.Env, conn host.ConnID, i int) error
	}{
		"rooms": {host.Limits{MaxRoomsPerConnection: 3}, 3, func(env host.Env, conn host.ConnID, i int) error {
			return errors.Join(env.Join(conn, fmt.Sprint(i)), env.Join(conn, "0"))
		}},
		"effects": {host.Limits{HookEffects: 5}, 5, func(env host.Env, conn host.ConnID, _ int) error { return env.Send(conn, abi.Text, x) }},
		"bytes": {host.Limits{HookBytes: 1000}, 4, func(env host.Env, conn host.ConnID, _ int) error {
			return env.Send(conn, abi.Binary, make([]byte, 200))
		}},
		"bytes of rooms and texts": {host.Limits{HookBytes: 1000}, 3, func(env host.Env, conn host.ConnID, _ int) error {
			return env.Broadcast(make200(), abi.Binary, make([]byte, 100), 0)
		}},
		"values": {host.Limits{ValueBytes: 100 + 9*64}, 9, func(env host.Env, conn host.ConnID, i int) error {
			return env.SetValue(conn, fmt.Sprint(i), make([]byte, 10))
		}},
		"series": {host.Limits{MetricSeries: 4}, 4, func(env host.Env, conn host.ConnID, i int) error {
			return errors.Join(env.Metric(abi.CounterAdd, "n", fmt.Sprint("l=", i), 1), env.Metric(abi.CounterAdd, "n", "l=0", 1))
		}},
	} {
		t.Run(name, func(t *testing.T) {
			err := inHook(t, tc.limits, func(env host.Env, conn host.ConnID) error {
				for i := range tc.times {
					if err := tc.do(env, conn, i); err != nil {
						return fmt.Errorf("the %d. time: %w", i+1, err)
					}
				}
				if err := tc.do(env, conn, tc.times); !errors.Is(err, abi.Limit) {
					return fmt.Errorf("over the limit: %v", err)
				}
				return nil
			})
			if err != nil {
				t.Error(err)
			}
		})
	}
}

func make200() string { return strings.Repeat("r", 200) }

// TestLimitsHoldBetweenHooks counts what earlier hooks have left.
func TestLimitsHoldBetweenHooks(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Limits.MaxRoomsPerConnection, r.Limits.ValueBytes, r.Limits.StoreBytes, r.Limits.Timers = 2, 2*66, 2*66, 2
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		c := dialDo(t, url+"/c", "j a;v a|1;S a|1;W a")
		do(t, c, "j b;v b|1;S b|1;W b")
		do(t, c, "j c;v c|1;S c|1;W c;s refused", "!4", "!4", "!4", "!4", "refused")
		do(t, c, "j b;v b|2;S b|2;A b;W b;s again", "again")
		do(t, c, "l a;d a;D a;k a;j c;S c|1;W c;r;G c;s room", "b\nc", "1", "room")
		do(t, c, "v c|1;g c", "1")
	})
}

func TestNames(t *testing.T) {
	long := strings.Repeat("n", abi.MaxName)
	good := []string{"a", long, "é", "with space", "a/b", "日本語", "0", "\u00a0"}
	bad := []string{"", long + "n", strings.Repeat("é", 128), "a\x00", "a\nb", "\x7f", "\u0085", "\u2028", "\u2029", "\xff", "a\xc3", "\xed\xa0\x80"}
	err := inHook(t, host.Limits{MaxRoomsPerConnection: 1000}, func(env host.Env, conn host.ConnID) error {
		calls := map[string]func(name string) error{
			"join":       func(n string) error { return env.Join(conn, n) },
			"leave":      func(n string) error { return env.Leave(conn, n) },
			"broadcast":  func(n string) error { return env.Broadcast(n, abi.Text, nil, 0) },
			"room_size":  func(n string) error { _, err := env.RoomSize(n); return err },
			"members":    func(n string) error { _, err := env.RoomMembers(n); return err },
			"room_users": func(n string) error { _, err := env.RoomUsers(n); return err },
			"identify": func(n string) error {
				if len(n) == 0 {
					return abi.Invalid // it takes the user back
				}
				return env.Identify(conn, n)
			},
			"online":    func(n string) error { _, err := env.Online(n); return err },
			"send_user": func(n string) error { return env.SendUser(n, abi.Text, nil) },
			"value_set": func(n string) error { return env.SetValue(conn, n, nil) },
			"store_set": func(n string) error { return env.StoreSet(n, nil, 0) },
			"timer_set": func(n string) error { return env.TimerSet(conn, n, 1e12) },
		}
		var errs []error
		for call, f := range calls {
			for _, n := range good {
				if err := f(n); err != nil {
					errs = append(errs, fmt.Errorf("%s(%.20q): %w", call, n, err))
				}
			}
			for _, n := range bad {
				if err := f(n); err != abi.Invalid {
					errs = append(errs, fmt.Errorf("%s(%.20q): %v", call, n, err))
				}
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestParamNames(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/r/:room", Channel: roomInGo(false)}}})
	for _, p := range []string{"a%00", "a%0Ab", "%FF", strings.Repeat("x", 256)} {
		wantStatus(t, refused(t, url+"/r/"+p), http.StatusBadRequest)
	}
	wantMetric(t, h, `azuhost_connections_refused_total{reason="param",route="/r/:room"}`, 4)
	for _, p := range []string{"", "a/b"} {
		wantStatus(t, refused(t, url+"/r/"+p), http.StatusNotFound)
	}
	do(t, dial(t, url+"/r/"+strings.Repeat("%C3%A9", 127)), "x", "x")
}

func TestCloseCodes(t *testing.T) {
	err := inHook(t, host.Limits{}, func(env host.Env, conn host.ConnID) error {
		var errs []error
		for code := -1; code < 6000; code++ {
			want := code == 1000 || code == 1001 || code == 1003 || code >= 1007 && code <= 1013 || code >= 3000 && code <= 4999
			if err := env.CloseConn(conn, code, ""); (err == nil) != want {
				errs = append(errs, fmt.Errorf("%d: %v", code, err))
			}
		}
		for reason, want := range map[string]error{strings.Repeat("x", 123): nil, strings.Repeat("x", 124): abi.Invalid, "\xff": abi.Invalid} {
			if err := env.CloseConn(conn, 4000, reason); err != want {
				errs = append(errs, fmt.Errorf("reason %.10q: %v", reason, err))
			}
		}
		return errors.Join(errs...)
	})
	if err != nil {
		t.Error(err)
	}
}

func TestKindsAndUTF8(t *testing.T) {
	err := inHook(t, host.Limits{}, func(env host.Env, conn host.ConnID) error {
		var errs []error
		for name, err := range map[string]error{
			"kind 0": env.Send(conn, 0, nil), "kind 8": env.BroadcastAll(8, nil, 0), "bad text": env.Send(conn, abi.Text, []byte("\xff")),
		} {
			if err != abi.Invalid {
				errs = append(errs, fmt.Errorf("%s: %v", name, err))
			}
		}
		for name, err := range map[string]error{
			"send": env.Send(999999, abi.Text, nil), "close": env.CloseConn(999999, 1000, ""), "join": env.Join(999999, "a"),
			"value": env.SetValue(999999, "a", nil), "timer": env.TimerSet(999999, "a", 0),
		} {
			if err != abi.NotFound {
				errs = append(errs, fmt.Errorf("%s to nobody: %v", name, err))
			}
		}
		return errors.Join(append(errs, env.Send(conn, abi.Binary, []byte("\xff")))...)
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPresenceLimit: names that a plugin makes up stay for the grace.
func TestPresenceLimit(t *testing.T) {
	err := inHook(t, host.Limits{Presences: 3}, func(env host.Env, conn host.ConnID) error {
		for i := range 3 {
			if err := env.Identify(conn, fmt.Sprint("user", i)); err != nil {
				return fmt.Errorf("user %d: %w", i, err)
			}
		}
		if err := env.Identify(conn, "one too many"); err != abi.Limit {
			return fmt.Errorf("a fourth user: %v", err)
		}
		if err := env.Join(conn, "room"); err != abi.Limit {
			return fmt.Errorf("a room: %v", err)
		}
		return env.Identify(conn, "")
	})
	if err != nil {
		t.Error(err)
	}
}
