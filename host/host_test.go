package host_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// serve starts a host with routes and returns the ws:// address.
func serve(t testing.TB, o host.Options) (*host.Host, string) {
	t.Helper()
	h, err := host.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return h, "ws" + strings.TrimPrefix(s.URL, "http")
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
	_ = abi.Text
}
