package host_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
	"github.com/coder/websocket"
)

// closed is a call of on_close.
type closed struct {
	conn   host.ConnID
	code   int
	reason string
	user   string
	rooms  string
	size   int
}

// closing is a channel that tells of each on_close. Messages are scripts.
func closing() (*host.Funcs, chan closed) {
	events := make(chan closed, 100)
	f := scriptInGo()
	f.OnClose = func(env host.Env, conn host.ConnID, code int, reason string) error {
		e := closed{conn: conn, code: code, reason: reason}
		e.user, _ = env.User(conn)
		rooms, _ := env.Rooms(conn)
		e.rooms = strings.Join(rooms, "\n")
		e.size, _ = env.RoomSize("a")
		events <- e
		return nil
	}
	return f, events
}

func TestOnCloseExactlyOnce(t *testing.T) {
	fast := host.Options{CloseTimeout: 50 * time.Millisecond, PingInterval: 20 * time.Millisecond, PongTimeout: 20 * time.Millisecond}
	plain := host.Options{}
	for name, tc := range map[string]struct {
		o      host.Options
		route  host.Route
		end    func(t *testing.T, h *host.Host, c *websocket.Conn)
		code   int
		reason string
	}{
		"client closes": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) { _ = c.Close(4002, "enough") }, 4002, "enough"},
		"client closes without a code": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			_ = c.Close(websocket.StatusNoStatusRcvd, "")
		}, 1005, ""},
		"client vanishes": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) { _ = c.CloseNow() }, 1006, ""},
		// A client that does not read answers no ping.
		"client is silent": {fast, host.Route{}, func(*testing.T, *host.Host, *websocket.Conn) {}, 1006, "no pong"},
		"host closes": {plain, host.Route{}, func(t *testing.T, h *host.Host, c *websocket.Conn) {
			go func() { _, _, _ = c.Read(context.Background()) }()
			stop(t, h)
		}, 1012, ""},
		"plugin closes": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			send(t, c, "c 4003|go")
			wantClose(t, c, 4003, "go")
		}, 4003, "go"},
		"fault": {plain, host.Route{OnFault: host.FaultClose}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			send(t, c, "!")
			wantClose(t, c, 1011, "internal error")
		}, 1011, "internal error"},
		"message too big": {plain, host.Route{Limits: host.Limits{MaxMessage: 100}}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			send(t, c, strings.Repeat("x", 101))
			_, _, err := c.Read(testContext(t))
			if websocket.CloseStatus(err) != 1009 {
				t.Error(err)
			}
		}, 1009, ""},
		"slow reader": {plain, host.Route{Limits: host.Limits{MaxQueue: 1 << 10}}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			send(t, c, "F")
		}, 1008, "slow reader"},
		"route retired": {plain, host.Route{}, func(t *testing.T, h *host.Host, c *websocket.Conn) {
			if err := h.Reload(testContext(t), host.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
				t.Fatal(err)
			}
			wantClose(t, c, 1001, "the channel is gone")
		}, 1001, "the channel is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			f, events := closing()
			script := f.OnMessage
			f.OnMessage = func(env host.Env, conn host.ConnID, m host.Message) error {
				if string(m.Data) == "F" { // more than the queue and the sockets hold
					for range 200 {
						_ = env.Send(conn, abi.Binary, make([]byte, 20_000))
					}
					return nil
				}
				return script(env, conn, m)
			}
			tc.route.Path, tc.route.Channel = "/c", f
			tc.o.Routes = []host.Route{tc.route}
			h, url := serveQuiet(t, tc.o)
			c := dialDo(t, url+"/c", "j a;j b;i me;s in")
			if name != "client is silent" {
				want(t, c, "in")
			}
			tc.end(t, h, c)
			e := receive(t, events)
			if e.code != tc.code || tc.reason != "" && e.reason != tc.reason {
				t.Errorf("on_close with %d %q, want %d %q", e.code, e.reason, tc.code, tc.reason)
			}
			if e.user != "me" || e.rooms != "a\nb" || e.size != 0 {
				t.Errorf("on_close sees user %q, rooms %q, and %d in its room", e.user, e.rooms, e.size)
			}
			stop(t, h)
			if n := len(events); n != 0 {
				t.Errorf("%d more on_close", n)
			}
		})
	}
}

// TestNoEventsAfterAClose sends pings and a pong behind the message at which a hook
// closes the connection, in the same packet.
func TestNoEventsAfterAClose(t *testing.T) {
	f, events := closing()
	f.OnMessage = func(env host.Env, conn host.ConnID, _ host.Message) error { return env.CloseConn(conn, 4000, "") }
	var controls []string // all of one reader, and before on_close
	f.OnPing = func(_ host.Env, _ host.ConnID, p []byte) error { controls = append(controls, string(p)); return nil }
	f.OnPong = f.OnPing
	_, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	c := wstest.Dial(t, url, "/c")
	control := func(op byte, p string) string { return string([]byte{0x80 | op, 0x80 | byte(len(p)), 0, 0, 0, 0}) + p }
	in := control(9, "before") + control(1, "close") + control(9, "ping") + control(10, "pong") + control(8, "\x0f\xa0")
	if _, err := c.Write([]byte(in)); err != nil {
		t.Fatal(err)
	}
	if e := receive(t, events); e.code != 4000 {
		t.Errorf("on_close with %d, want 4000", e.code)
	}
	if !slices.Equal(controls, []string{"before"}) {
		t.Errorf("on_ping and on_pong got %q, want what came before the close", controls)
	}
}

// TestOnCloseInWasm counts on_close in the store, for every way to end.
func TestOnCloseInWasm(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.OnFault = host.FaultClose
		_, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
		watch := dial(t, url+"/c")
		gone := func(n string) {
			t.Helper()
			eventually(t, "on_close", func() bool {
				send(t, watch, "G closed")
				_, b, err := watch.Read(testContext(t))
				if err != nil {
					t.Fatal(err)
				}
				return string(b) == n
			})
		}
		open := func() *websocket.Conn { return dialDo(t, url+"/c", "v bye|A closed") }
		_ = open().Close(4000, "")
		gone("1")
		_ = open().CloseNow()
		gone("2")
		c := open()
		send(t, c, "c 1000|")
		wantClose(t, c, 1000, "")
		gone("3")
		c = open()
		send(t, c, "s lost;!")
		wantClose(t, c, 1011, "internal error")
		gone("4")
		c = open()
		do(t, c, "f", `{"type":"error","code":"INTERNAL_ERROR"}`) // an error is no fault
	})
}

// TestUpgradeFails has an answer that can not become a socket.
func TestUpgradeFails(t *testing.T) {
	f, events := closing()
	h, _ := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	r := httptest.NewRequest("GET", "http://localhost/c?do="+escape("j a;i me"), nil)
	for k, v := range map[string]string{"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="} {
		r.Header.Set(k, v)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, r)
	if e := receive(t, events); e.code != 1006 || e.user != "me" || e.rooms != "a" {
		t.Errorf("on_close: %+v", e)
	}
	wantMetric(t, h, `azuhost_connections{route="/c"}`, 0)
	wantMetric(t, h, `azuhost_connections_refused_total{reason="upgrade",route="/c"}`, 1)
	stop(t, h)
	if len(events) != 0 {
		t.Error("on_close came twice")
	}
}

// TestCloseWaitsForHandshakes closes the host while on_connect runs: the
// connection that it accepts gets its on_close before Close returns.
func TestCloseWaitsForHandshakes(t *testing.T) {
	f, events := closing()
	running, accept := make(chan struct{}), make(chan struct{})
	f.OnConnect = func(host.Env, host.ConnID) error {
		close(running)
		<-accept
		return nil
	}
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	dialed := make(chan error, 1)
	go func() {
		c, _, err := websocket.Dial(context.Background(), url+"/c", nil)
		if err == nil {
			_, _, err = c.Read(context.Background())
		}
		dialed <- err
	}()
	receive(t, running)
	done := make(chan struct{})
	go func() {
		defer close(done)
		stop(t, h)
	}()
	eventually(t, "no more connections", func() bool {
		_, res, _ := websocket.Dial(testContext(t), url+"/c", nil)
		return res != nil && res.StatusCode == 503
	})
	select {
	case <-done:
		t.Fatal("Close did not wait")
	default:
	}
	close(accept)
	receive(t, done)
	if len(events) != 1 {
		t.Errorf("%d on_close when Close has returned, want 1", len(events))
	}
	if err := receive(t, dialed); err == nil {
		t.Error("the connection is open")
	}
}

// TestPanicOfAChannel has a Channel that panics where nobody expects it.
func TestPanicOfAChannel(t *testing.T) {
	_, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: panicking{}}}})
	wantStatus(t, refused(t, url+"/c?do=panic"), 500)
	c := dial(t, url+"/c")
	do(t, c, "panic", internalError)
	do(t, c, "store", "1") // the store is free for others
}

type panicking struct{}

func (panicking) Has(abi.Hook) bool { return true }

func (panicking) Run(_ context.Context, ev *host.Event, env host.Env) error {
	if text := string(ev.Data); strings.HasSuffix(text, "panic") {
		_, _ = env.StoreAdd("n", 1, 0)
		panic("at the disco")
	} else if text == "store" {
		if _, err := env.StoreAdd("n", 1, 0); err != nil {
			return err
		}
		p, _ := env.StoreGet("n")
		_ = env.Send(ev.Conn, abi.Text, p)
	}
	return nil
}

// TestTooMuchInOnConnect sends more than the queue holds before there is a
// socket: the connection ends, as that of any slow reader.
func TestTooMuchInOnConnect(t *testing.T) {
	f, events := closing()
	f.OnConnect = func(env host.Env, conn host.ConnID) error {
		return errors.Join(env.Send(conn, abi.Binary, make([]byte, 1<<10)), env.Send(conn, abi.Binary, make([]byte, 1<<10)))
	}
	_, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f, Limits: host.Limits{MaxQueue: 1 << 10}}}})
	_ = dial(t, url+"/c")
	if e := receive(t, events); e.code != 1008 {
		t.Errorf("closed with %d %q", e.code, e.reason)
	}
}

// TestPlainHTTP asks a channel for a page.
func TestPlainHTTP(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}})
	res, err := http.Get(strings.Replace(url, "ws", "http", 1) + "/echo")
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, _ := io.ReadAll(res.Body)
	if res.StatusCode != 426 || res.Header.Get("Upgrade") != "websocket" || res.Header.Get("Sec-WebSocket-Version") != "13" {
		t.Errorf("%d %v %s", res.StatusCode, res.Header, b)
	}
	http.DefaultClient.CloseIdleConnections()
}
