package host_test

import (
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
	"go.uber.org/goleak"
)

// TestMain checks that no goroutine is left. The client of Redis leaves some that sleep for up to a second, or 5 s in a
// cluster, and then end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}

// TestEchoInGo checks a channel in Go with messages of several sizes.
func TestEchoInGo(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{echoRoute()}})
	c := dial(t, url+"/echo")
	for _, s := range []string{"", "hello", strings.Repeat("x", 60_000)} {
		c.SetReadLimit(1 << 20)
		send(t, c, s)
		want(t, c, s)
	}
}

// TestEchoInWasm checks that a plugin answers, and that a room receives the messages of its members only.
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
