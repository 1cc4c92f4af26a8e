package host_test

import (
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
)

const internalError = `{"type":"error","code":"INTERNAL_ERROR"}`

// everything asks for all that a hook can ask for.
const everything = "s sent;b room|all in room;B all;U me|user;j other;l room;i someone;v k|2;d gone;S k|2;D old;A n;t s timer;T B timer;k hour;M;c 4000|bye;"

// TestNothingOfAFailedHook has a hook ask for everything and then fail.
func TestNothingOfAFailedHook(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		ends := map[string]string{"error": "f", "result": "R 7", "trap": "!"}
		if r.Plugin != "" {
			ends["deadline"] = "L"
		}
		for name, end := range ends {
			t.Run(name, func(t *testing.T) {
				if name == "deadline" {
					r.Limits.Deadline = 300 * time.Millisecond
				}
				h, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
				c := dial(t, url+"/c")
				do(t, c, "j room;i me;v k|1;v gone|1;S k|1;S old|1;A n;W hour")
				watch := dialDo(t, url+"/c", "j room;i you")
				do(t, c, everything+end, internalError)
				do(t, c, "r;u;g k;g gone;G k;G old;G n;n room;n other;p", "room", "me", "1", "1", "1", "1", "1", "2", "0", "me\nyou")
				// Both are of the channel and of the room: what was broadcast would come before.
				do(t, watch, "s nothing", "nothing")
				m := metricsOf(t, h)
				if strings.Contains(m, "azuhost_app_") {
					t.Error("a metric of a failed hook was counted")
				}
				wantMetric(t, h, `azuhost_timers{route="/c"}`, 1)
			})
		}
	})
}

// TestNothingOfARefusal has on_connect ask for everything and refuse.
func TestNothingOfARefusal(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		for name, tc := range map[string]struct {
			end    string
			status int
		}{
			"401": {"R 401", 401}, "599": {"R 599", 599}, "error": {"f", 500}, "odd": {"R 7", 500}, "trap": {"!", 500},
		} {
			t.Run(name, func(t *testing.T) {
				h, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
				watch := dialDo(t, url+"/c", "j room;i you")
				res := refused(t, url+"/c?do="+escape("v bye|A closed;j room;"+everything+tc.end))
				wantStatus(t, res, tc.status)
				do(t, watch, "n room;p;G closed;G n;G k;s nothing", "1", "you", "!2", "!2", "!2", "nothing")
				wantMetric(t, h, `azuhost_timers{route="/c"}`, 0)
				wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
			})
		}
	})
}

// TestRefusedWithACloseCode upgrades, sends what the hook sent to the
// connection itself, and closes. Nothing else happens, and no on_close.
func TestRefusedWithACloseCode(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		_, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
		watch := dialDo(t, url+"/c", "j room")
		c := dialDo(t, url+"/c", "v bye|A closed;s Unauthorized;b room|no;j room;A n;s really;R 4401")
		want(t, c, "Unauthorized")
		want(t, c, "really")
		wantClose(t, c, 4401, "")
		next := dialDo(t, url+"/c", "n room;G n")
		want(t, next, "1")
		want(t, next, "!2")
		do(t, watch, "G closed;s nothing", "!2", "nothing")
	})
}

// TestReadsSeeOwnWrites asks, in one hook, for what it has changed.
func TestReadsSeeOwnWrites(t *testing.T) {
	steps := []struct {
		do   string
		want []string
	}{
		{"n room;j room;n room;m room;j room;n room;r", []string{"0", "1", "1", "1", "room"}},
		{"i me;u;o me;p;q room", []string{"me", "1", "me", "me"}},
		{"v k|1;g k;v k|22;g k;d k;g k;d k;v k|3;g k", []string{"1", "22", "!2", "!2", "3"}},
		{"S k|1;G k;D k;G k;D k;A k;A k;G k;S t|x;A t", []string{"1", "!2", "!2", "2", "!1"}},
		{"j a;j b;l room;r;n room;q room", []string{"a\nb", "0", ""}},
		{"i you;u;o you", []string{"you", "1"}},
		{"j room;l room;l room;n room", []string{"0"}},
		{"i ;u;o nobody", []string{"", "0"}},
	}
	onBoth(t, func(t *testing.T, r host.Route) {
		r.PresenceGrace = -1
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		t.Run("on_message", func(t *testing.T) {
			c := dial(t, url+"/c")
			for _, s := range steps {
				do(t, c, s.do, s.want...)
			}
			// Committed, they read the same.
			do(t, c, "r;n a;g k;G k", "a\nb", "1", "3", "2")
			do(t, c, "l a;l b;D k;D t;s done", "done")
		})
		t.Run("on_connect", func(t *testing.T) {
			var all string
			for _, s := range steps {
				all += s.do + ";"
			}
			c := dialDo(t, url+"/c", all)
			for _, s := range steps {
				for _, w := range s.want {
					want(t, c, w)
				}
			}
			do(t, c, "r;n a;g k;G k", "a\nb", "1", "3", "2")
		})
	})
}

// TestRequestInOnConnect reads what is there during connect, and what stays.
func TestRequestInOnConnect(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Path, r.Subprotocols = "/r/:room/:n", []string{"v2", "v1"}
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		c, _, err := dialWith(t, url+"/r/%C3%A9%2F/7?x=1&x=2&e=&do="+escape("P room;P n;P q;Q x;Q e;Q y;H X-Test;H host;a;y"), map[string]string{"X-Test": "a b", "Sec-WebSocket-Protocol": "v1, v2"})
		if err != nil {
			t.Fatal(err)
		}
		for _, w := range []string{"é/", "7", "!2", "1", "", "!2", "a b", strings.TrimPrefix(url, "ws://"), "127.0.0.1", "v2"} {
			want(t, c, w)
		}
		do(t, c, "P room;Q x;H X-Test;a;y", "é/", "!5", "!5", "127.0.0.1", "v2")
	})
}
