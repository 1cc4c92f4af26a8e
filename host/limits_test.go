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

// TestMessageLimit checks that a message longer than MaxMessage closes the connection with 1009.
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

// TestConnectionLimits checks the status and the metric of each limit of connections, and that a closed connection is
// not counted.
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

// TestClosingConnectionsCount checks that a connection that the host has closed counts until the client has left.
// on_close does not wait for the client.
func TestClosingConnectionsCount(t *testing.T) {
	f, events := recordCloses()
	h, url := serve(t, host.Options{
		MaxConnections: 1, CloseTimeout: time.Minute, Routes: []host.Route{{Path: "/c", Channel: f}},
	})
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

// TestNoLimitPerAddress checks that MaxConnectionsPerAddress can be turned off.
func TestNoLimitPerAddress(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}, MaxConnectionsPerAddress: -1})
	for range 20 {
		do(t, dial(t, url+"/echo"), "x", "x")
	}
}

// TestHookLimits checks the limits of a hook. The call succeeds a number of times and then returns LIMIT.
func TestHookLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		limits host.Limits
		times  int // number of calls that succeed
		do     func(env host.Env, conn host.ConnID, i int) error
	}{
		"rooms": {host.Limits{MaxRoomsPerConnection: 3}, 3, func(env host.Env, conn host.ConnID, i int) error {
			return errors.Join(env.Join(conn, fmt.Sprint(i)), env.Join(conn, "0"))
		}},
		"effects": {host.Limits{HookEffects: 5}, 5, func(env host.Env, conn host.ConnID, _ int) error {
			return env.Send(conn, abi.Text, []byte("x"))
		}},
		"bytes": {host.Limits{HookBytes: 1000}, 4, func(env host.Env, conn host.ConnID, _ int) error {
			return env.Send(conn, abi.Binary, make([]byte, 200))
		}},
		"bytes with names": {host.Limits{HookBytes: 1000}, 3, func(env host.Env, conn host.ConnID, _ int) error {
			return env.Broadcast(strings.Repeat("r", 200), abi.Binary, make([]byte, 100), 0)
		}},
		"values": {host.Limits{ValueBytes: 100 + 9*64}, 9, func(env host.Env, conn host.ConnID, i int) error {
			return env.SetValue(conn, fmt.Sprint(i), make([]byte, 10))
		}},
		"series": {host.Limits{MetricSeries: 4}, 4, func(env host.Env, conn host.ConnID, i int) error {
			return errors.Join(
				env.Metric(abi.CounterAdd, "n", fmt.Sprint("l=", i), 1),
				env.Metric(abi.CounterAdd, "n", "l=0", 1),
			)
		}},
	} {
		t.Run(name, func(t *testing.T) {
			err := inHook(t, tc.limits, func(env host.Env, conn host.ConnID) error {
				for i := range tc.times {
					if err := tc.do(env, conn, i); err != nil {
						return fmt.Errorf("call %d: %w", i+1, err)
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

// TestLimitsAcrossHooks checks that limits count what earlier hooks have added.
func TestLimitsAcrossHooks(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Limits.MaxRoomsPerConnection, r.Limits.ValueBytes, r.Limits.StoreBytes, r.Limits.Timers = 2, 2*66, 2*66, 2
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		c := dialDo(t, url+"/c", "join a;value_set a|1;store_set a|1;timer_set a|3600000")
		do(t, c, "join b;value_set b|1;store_set b|1;timer_set b|3600000")
		do(t, c, "join c;value_set c|1;store_set c|1;timer_set c|3600000;send refused",
			"!4", "!4", "!4", "!4", "refused")
		do(t, c, "join b;value_set b|2;store_set b|2;store_add b;timer_set b|3600000;send again", "again")
		do(t, c, "leave a;value_delete a;store_delete a;timer_clear a;"+
			"join c;store_set c|1;timer_set c|3600000;rooms;store_get c;send room", "b\nc", "1", "room")
		do(t, c, "value_set c|1;value_get c", "1")
	})
}
