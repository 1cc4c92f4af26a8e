package host_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

// The client of Redis leaves goroutines that sleep for up to a second, in a cluster
// five, and end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}

// serve starts a host with routes and returns the ws:// address.
func serve(t testing.TB, o host.Options) (*host.Host, string) {
	t.Helper()
	h, err := host.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		stop(t, h)
		s.Close()
	})
	return h, "ws" + strings.TrimPrefix(s.URL, "http")
}

// serveQuiet is serve for tests in which hooks fail: nothing is logged.
func serveQuiet(t testing.TB, o host.Options) (*host.Host, string) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	return serve(t, o)
}

// stop closes a host.
func stop(t testing.TB, h *host.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
}

func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dial connects and closes at the end of the test.
func dial(t testing.TB, url string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(testContext(t), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// dialDo connects to a script and has on_connect do something.
func dialDo(t testing.TB, address, do string) *websocket.Conn {
	t.Helper()
	return dial(t, address+"?do="+url.QueryEscape(do))
}

// refused connects in vain and gives the status.
func refused(t testing.TB, url string) *http.Response {
	t.Helper()
	c, res, err := websocket.Dial(testContext(t), url, nil)
	if err == nil {
		_ = c.CloseNow()
		t.Fatalf("%s: connected", url)
	}
	if res == nil {
		t.Fatal(err)
	}
	return res
}

func wantStatus(t testing.TB, res *http.Response, status int) {
	t.Helper()
	if res.StatusCode != status {
		b, _ := io.ReadAll(res.Body)
		t.Errorf("status %d, want %d: %s", res.StatusCode, status, b)
	}
}

// wantClose reads what the connection was closed with.
func wantClose(t testing.TB, c *websocket.Conn, code int, reason string) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	var ce websocket.CloseError
	if !errors.As(err, &ce) || int(ce.Code) != code || ce.Reason != reason {
		t.Fatalf("got %q, %v; want a close with %d %q", b, err, code, reason)
	}
}

// do sends a script and wants the answers.
func do(t testing.TB, c *websocket.Conn, text string, answers ...string) {
	t.Helper()
	send(t, c, text)
	for _, a := range answers {
		want(t, c, a)
	}
}

// receive gets an event of a test.
func receive[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-testContext(t).Done():
		t.Fatal("nothing came")
	}
	return v
}

// eventually waits for a state of which nothing tells.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}

func send(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(testContext(t), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func want(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	if err != nil {
		t.Fatalf("want %q: %v", text, err)
	}
	if string(b) != text {
		t.Fatalf("got %q, want %q", b, text)
	}
}

func echoRoute() host.Route {
	return host.Route{Path: "/echo", Channel: &host.Funcs{
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			return env.Send(conn, m.Kind, m.Data)
		},
	}}
}

func TestEchoInGo(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}})
	c := dial(t, url+"/echo")
	for _, s := range []string{"", "hello", strings.Repeat("x", 60_000)} {
		c.SetReadLimit(1 << 20)
		send(t, c, s)
		want(t, c, s)
	}
}

func TestEchoInWasm(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{
		{Path: "/echo", Plugin: "../testplugins/echo.wasm"},
		{Path: "/rooms/:room", Plugin: "../testplugins/rooms.wasm"},
	}})
	c := dial(t, url+"/echo")
	send(t, c, "hello")
	want(t, c, "hello")
	a, b, other := dial(t, url+"/rooms/1"), dial(t, url+"/rooms/1"), dial(t, url+"/rooms/2")
	send(t, a, "one")
	send(t, a, "two")
	for _, c := range []*websocket.Conn{a, b} {
		want(t, c, "one")
		want(t, c, "two")
	}
	send(t, other, "three")
	want(t, other, "three")
}
