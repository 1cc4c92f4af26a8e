package host_test

import (
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
)

const internalError = `{"type":"error","code":"INTERNAL_ERROR"}`

// allEffects is a script with every kind of effect.
const allEffects = "send sent;broadcast room|all in room;broadcast_all all;send_user me|user;" +
	"join other;leave room;identify someone;value_set k|2;value_delete gone;" +
	"store_set k|2;store_delete old;store_add n;" +
	"timer_set send timer;channel_timer_set broadcast_all timer;timer_clear hour;counter_add hits;close 4000|bye;"

// TestFailedHookHasNoEffects: a hook that requests every effect and then fails has no effects.
func TestFailedHookHasNoEffects(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		ends := map[string]string{"error": "fail no luck", "result": "refuse 7", "trap": "trap"}
		if r.Plugin != "" {
			ends["deadline"] = "loop"
		}
		for name, end := range ends {
			t.Run(name, func(t *testing.T) {
				if name == "deadline" {
					r.Limits.Deadline = 300 * time.Millisecond
				}
				testFailedHook(t, r, end)
			})
		}
	})
}

func testFailedHook(t *testing.T, r host.Route, end string) {
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
	c := dial(t, url+"/c")
	do(t, c, "join room;identify me;value_set k|1;value_set gone|1;"+
		"store_set k|1;store_set old|1;store_add n;timer_set hour|3600000")
	watch := dialDo(t, url+"/c", "join room;identify you")
	do(t, c, allEffects+end, internalError)
	do(t, c, "rooms;user;value_get k;value_get gone", "room", "me", "1", "1")
	do(t, c, "store_get k;store_get old;store_get n", "1", "1", "1")
	do(t, c, "room_size room;room_size other;users", "2", "0", "me\nyou")
	// watch is in the room, so a broadcast would arrive before the answer.
	do(t, watch, "send nothing", "nothing")
	if strings.Contains(metricsOf(t, h), "azuhost_app_") {
		t.Error("a metric of a failed hook was counted")
	}
	wantMetric(t, h, `azuhost_timers{route="/c"}`, 1)
}

// TestRefusalHasNoEffects: an on_connect that requests every effect and refuses has no effects.
func TestRefusalHasNoEffects(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		for name, tc := range map[string]struct {
			end    string
			status int
		}{
			"401":     {"refuse 401", 401},
			"599":     {"refuse 599", 599},
			"error":   {"fail no luck", 500},
			"invalid": {"refuse 7", 500},
			"trap":    {"trap", 500},
		} {
			t.Run(name, func(t *testing.T) {
				h, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
				watch := dialDo(t, url+"/c", "join room;identify you")
				script := "value_set bye|store_add closed;join room;" + allEffects + tc.end
				wantStatus(t, refused(t, url+"/c?do="+escape(script)), tc.status)
				do(t, watch, "room_size room;users", "1", "you")
				do(t, watch, "store_get closed;store_get n;store_get k;send nothing", "!2", "!2", "!2", "nothing")
				wantMetric(t, h, `azuhost_timers{route="/c"}`, 0)
				wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
			})
		}
	})
}

// TestRefusedWithACloseCode: on_connect that refuses with a close code upgrades the connection, sends what the hook
// sent to it, and closes it. There are no other effects, and on_close does not run.
func TestRefusedWithACloseCode(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		_, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
		watch := dialDo(t, url+"/c", "join room")
		c := dialDo(t, url+"/c", "value_set bye|store_add closed;send Unauthorized;broadcast room|no;join room;"+
			"store_add n;send really;refuse_close 4401")
		want(t, c, "Unauthorized")
		want(t, c, "really")
		wantClose(t, c, 4401, "")
		next := dialDo(t, url+"/c", "room_size room;store_get n")
		want(t, next, "1")
		want(t, next, "!2")
		do(t, watch, "store_get closed;send nothing", "!2", "nothing")
	})
}

// ownWrites has scripts that change something and read it, with the answers of the reads.
var ownWrites = []struct {
	do   string
	want []string
}{
	{"room_size room;join room;room_size room;room_members room;join room;room_size room;rooms",
		[]string{"0", "1", "1", "1", "room"}},
	{"identify me;user;online me;users;room_users room", []string{"me", "1", "me", "me"}},
	{"value_set k|1;value_get k;value_set k|22;value_get k;value_delete k;value_get k;value_delete k;" +
		"value_set k|3;value_get k",
		[]string{"1", "22", "!2", "!2", "3"}},
	{"store_set k|1;store_get k;store_delete k;store_get k;store_delete k;store_add k;store_add k;store_get k;" +
		"store_set t|x;store_add t",
		[]string{"1", "!2", "!2", "2", "!1"}},
	{"join a;join b;leave room;rooms;room_size room;room_users room", []string{"a\nb", "0", ""}},
	{"identify you;user;online you", []string{"you", "1"}},
	{"join room;leave room;leave room;room_size room", []string{"0"}},
	{"identify ;user;online nobody", []string{"", "0"}},
}

// TestReadsSeeOwnWrites: a hook reads what it has changed itself.
func TestReadsSeeOwnWrites(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.PresenceGrace = -1
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		t.Run("on_message", func(t *testing.T) {
			c := dial(t, url+"/c")
			for _, w := range ownWrites {
				do(t, c, w.do, w.want...)
			}
			// After the commit the reads return the same.
			do(t, c, "rooms;room_size a;value_get k;store_get k", "a\nb", "1", "3", "2")
			do(t, c, "leave a;leave b;store_delete k;store_delete t;send done", "done")
		})
		t.Run("on_connect", func(t *testing.T) {
			var all string
			for _, w := range ownWrites {
				all += w.do + ";"
			}
			c := dialDo(t, url+"/c", all)
			for _, w := range ownWrites {
				for _, text := range w.want {
					want(t, c, text)
				}
			}
			do(t, c, "rooms;room_size a;value_get k;store_get k", "a\nb", "1", "3", "2")
		})
	})
}

// TestRequestInOnConnect: on_connect reads the whole request. Later hooks read the parameters, the address and the
// subprotocol; the query and the header are gone.
func TestRequestInOnConnect(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Path, r.Subprotocols = "/r/:room/:n", []string{"v2", "v1"}
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		script := "param room;param n;param q;query x;query e;query y;" +
			"header X-Test;header host;remote_addr;subprotocol"
		c, _, err := dialWith(t, url+"/r/%C3%A9%2F/7?x=1&x=2&e=&do="+escape(script), map[string]string{
			"X-Test": "a b", "Sec-WebSocket-Protocol": "v1, v2",
		})
		if err != nil {
			t.Fatal(err)
		}
		address := strings.TrimPrefix(url, "ws://")
		for _, w := range []string{"é/", "7", "!2", "1", "", "!2", "a b", address, "127.0.0.1", "v2"} {
			want(t, c, w)
		}
		do(t, c, "param room;query x;header X-Test;remote_addr;subprotocol", "é/", "!5", "!5", "127.0.0.1", "v2")
	})
}
