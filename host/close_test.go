package host_test

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
	"github.com/coder/websocket"
)

// closeEvent is a call of on_close, with what the hook reads.
type closeEvent struct {
	conn   host.ConnID
	code   int
	reason string
	user   string
	rooms  string // a line each
	size   int    // of room "a"
}

// recordCloses returns the script in Go, and a channel that receives each call of its on_close.
func recordCloses() (*host.Funcs, chan closeEvent) {
	events := make(chan closeEvent, 100)
	f := scriptInGo()
	f.OnClose = func(env host.Env, conn host.ConnID, code int, reason string) error {
		e := closeEvent{conn: conn, code: code, reason: reason}
		e.user, _ = env.User(conn)
		rooms, _ := env.Rooms(conn)
		e.rooms = strings.Join(rooms, "\n")
		e.size, _ = env.RoomSize("a")
		events <- e
		return nil
	}
	return f, events
}

// TestOnCloseExactlyOnce checks that on_close runs once, with the close code and the state of the connection, for every
// way in which a connection can end.
func TestOnCloseExactlyOnce(t *testing.T) {
	fast := host.Options{
		CloseTimeout: 50 * time.Millisecond,
		PingInterval: 20 * time.Millisecond, PongTimeout: 20 * time.Millisecond,
	}
	plain := host.Options{}
	for name, tc := range map[string]struct {
		o      host.Options
		route  host.Route
		end    func(t *testing.T, h *host.Host, c *websocket.Conn)
		code   int
		reason string
	}{
		"client closes": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			_ = c.Close(4002, "enough")
		}, 4002, "enough"},
		"client closes without a code": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			_ = c.Close(websocket.StatusNoStatusRcvd, "")
		}, 1005, ""},
		"client is cut off": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			_ = c.CloseNow()
		}, 1006, ""},
		// A client that does not read answers no ping.
		"client is silent": {fast, host.Route{}, func(*testing.T, *host.Host, *websocket.Conn) {}, 1006, "no pong"},
		"host closes": {plain, host.Route{}, func(t *testing.T, h *host.Host, c *websocket.Conn) {
			go func() { _, _, _ = c.Read(context.Background()) }()
			stop(t, h)
		}, 1012, ""},
		"plugin closes": {plain, host.Route{}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			send(t, c, "close 4003|go")
			wantClose(t, c, 4003, "go")
		}, 4003, "go"},
		"fault": {plain, host.Route{OnFault: host.FaultClose}, func(t *testing.T, _ *host.Host, c *websocket.Conn) {
			send(t, c, "trap")
			wantClose(t, c, 1011, "internal error")
		}, 1011, "internal error"},
		"message too big": {plain, host.Route{Limits: host.Limits{MaxMessage: 100}},
			func(t *testing.T, _ *host.Host, c *websocket.Conn) {
				send(t, c, strings.Repeat("x", 101))
				_, _, err := c.Read(testContext(t))
				if websocket.CloseStatus(err) != 1009 {
					t.Error(err)
				}
			}, 1009, ""},
		"slow reader": {plain, host.Route{Limits: host.Limits{MaxQueue: 1 << 10}},
			func(t *testing.T, _ *host.Host, c *websocket.Conn) { send(t, c, "fill") }, 1008, "slow reader"},
		"route removed": {plain, host.Route{}, func(t *testing.T, h *host.Host, c *websocket.Conn) {
			if err := h.Reload(testContext(t), host.Options{Log: slog.New(slog.DiscardHandler)}); err != nil {
				t.Fatal(err)
			}
			wantClose(t, c, 1001, "the channel is gone")
		}, 1001, "the channel is gone"},
	} {
		t.Run(name, func(t *testing.T) {
			f, events := recordCloses()
			script := f.OnMessage
			f.OnMessage = func(env host.Env, conn host.ConnID, m host.Message) error {
				if string(m.Data) == "fill" { // sends more than the queue and the buffers of the sockets hold
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
			c := dialDo(t, url+"/c", "join a;join b;identify me;send in")
			if name != "client is silent" {
				want(t, c, "in")
			}
			tc.end(t, h, c)
			e := receive(t, events)
			if e.code != tc.code || tc.reason != "" && e.reason != tc.reason {
				t.Errorf("on_close with %d %q, want %d %q", e.code, e.reason, tc.code, tc.reason)
			}
			if e.user != "me" || e.rooms != "a\nb" || e.size != 0 {
				t.Errorf("on_close reads user %q, rooms %q, and %d members of its room", e.user, e.rooms, e.size)
			}
			stop(t, h)
			if n := len(events); n != 0 {
				t.Errorf("on_close ran %d more times", n)
			}
		})
	}
}

// TestNoEventsAfterClose checks that on_ping and on_pong do not run after the hook that closes the connection, for
// frames of the same packet.
func TestNoEventsAfterClose(t *testing.T) {
	f, events := recordCloses()
	f.OnMessage = func(env host.Env, conn host.ConnID, _ host.Message) error { return env.CloseConn(conn, 4000, "") }
	var controls []string // written by one reader, before on_close
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
		t.Errorf("on_ping and on_pong got %q, want only the ping before the close", controls)
	}
}

// TestOnCloseInWasm checks the number of calls of on_close for several ways in which a connection can end. on_close
// counts them in the store.
func TestOnCloseInWasm(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.OnFault = host.FaultClose
		_, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
		observer := dial(t, url+"/c")
		wantCloses := func(n string) {
			t.Helper()
			eventually(t, "on_close", func() bool {
				send(t, observer, "store_get closed")
				_, b, err := observer.Read(testContext(t))
				if err != nil {
					t.Fatal(err)
				}
				return string(b) == n
			})
		}
		open := func() *websocket.Conn { return dialDo(t, url+"/c", "value_set bye|store_add closed") }
		_ = open().Close(4000, "")
		wantCloses("1")
		_ = open().CloseNow()
		wantCloses("2")
		c := open()
		send(t, c, "close 1000|")
		wantClose(t, c, 1000, "")
		wantCloses("3")
		c = open()
		send(t, c, "send lost;trap")
		wantClose(t, c, 1011, "internal error")
		wantCloses("4")
		c = open()
		do(t, c, "fail no luck", `{"type":"error","code":"INTERNAL_ERROR"}`) // an error of a hook is no fault
	})
}

// TestCloseWaitsForHandshakes checks that Close waits for an on_connect that runs, and for the on_close of the
// connection that it accepts.
func TestCloseWaitsForHandshakes(t *testing.T) {
	f, events := recordCloses()
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
		t.Fatal("Close did not wait for on_connect")
	default:
	}
	close(accept)
	receive(t, done)
	if len(events) != 1 {
		t.Errorf("on_close ran %d times before Close returned, want once", len(events))
	}
	if err := receive(t, dialed); err == nil {
		t.Error("the connection is open")
	}
}
