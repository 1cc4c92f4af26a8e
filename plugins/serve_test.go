// Package plugins_test runs the ready-made plugins in a real host, over WebSockets.
package plugins_test

import (
	"context"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/scenario"
	"github.com/coder/websocket"
)

// build builds plugins and returns the folder with them.
func build(t *testing.T, names ...string) (dir string) {
	t.Helper()
	if testing.Short() {
		t.Skip("builds all plugins: not with -short")
	}
	dir = t.TempDir()
	for _, n := range names {
		out := filepath.Join(dir, n+".wasm")
		cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, "./"+n)
		cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("build %s: %v\n%s", n, err, out)
		}
	}
	return dir
}

// serve starts a host with all plugins on the paths of azuhost.yaml.
func serve(t *testing.T) (url string) {
	names := []string{"echo", "chat", "notifications", "rooms", "users", "presence", "secure"}
	dir := build(t, names...)
	var routes []host.Route
	for _, n := range names {
		r := host.Route{Path: "/" + n, Plugin: filepath.Join(dir, n+".wasm"), PresenceGrace: -1}
		// Hooks are slow with the race detector and on a busy machine.
		r.Limits.Deadline = 10 * time.Second
		switch n {
		case "rooms":
			r.Path = "/rooms/:room_id"
		case "secure":
			r.Config = map[string]any{"tokens": map[string]any{"secret-a": "alice"}}
		}
		routes = append(routes, r)
	}
	h, err := host.New(host.Options{Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return "ws" + strings.TrimPrefix(s.URL, "http")
}

// client is a connection of a test.
type client struct {
	t *testing.T
	c *websocket.Conn
}

func dial(t *testing.T, url string) client {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	c, _, err := websocket.Dial(ctx, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return client{t, c}
}

func (c client) send(text string) {
	c.t.Helper()
	if err := c.c.Write(c.t.Context(), websocket.MessageText, []byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

var clock = regexp.MustCompile(`"at":\d+`)

// want reads messages and compares them with texts, in which times are "at":0.
func (c client) want(texts ...string) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	for _, want := range texts {
		_, b, err := c.c.Read(ctx)
		if err != nil {
			c.t.Fatalf("want %s: %v", want, err)
		}
		if got := clock.ReplaceAllString(string(b), `"at":0`); got != want {
			c.t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
}

// wantClose reads the close frame and compares its code.
func (c client) wantClose(code websocket.StatusCode) {
	c.t.Helper()
	ctx, cancel := context.WithTimeout(c.t.Context(), 20*time.Second)
	defer cancel()
	if _, b, err := c.c.Read(ctx); websocket.CloseStatus(err) != code {
		c.t.Fatalf("got %s, %v; want a close with %d", b, err, code)
	}
}

// TestReadyMade uses each plugin as its clients do.
func TestReadyMade(t *testing.T) {
	url := serve(t)
	for _, p := range []struct {
		name string
		play func(t *testing.T, url string)
	}{
		{"echo", playEcho},
		{"protocol", playProtocol},
		{"chat", playChat},
		{"notifications", playNotifications},
		{"rooms", playRooms},
		{"users", playUsers},
		{"presence", playPresence},
		{"secure", playSecure},
	} {
		t.Run(p.name, func(t *testing.T) { p.play(t, url) })
	}
}

func playEcho(t *testing.T, url string) {
	c := dial(t, url+"/echo")
	for _, s := range []string{"", "hi", strings.Repeat("é", 20_000)} {
		c.c.SetReadLimit(1 << 20)
		c.send(s)
		c.want(s)
	}
}

// playProtocol tests the ping and the errors that the plugins with a protocol share.
func playProtocol(t *testing.T, url string) {
	for _, path := range []string{"/chat", "/notifications", "/users?user=p", "/secure?token=secret-a"} {
		c := dial(t, url+path)
		switch path {
		case "/notifications":
			c.want(`{"type":"welcome"}`)
		case "/secure?token=secret-a":
			c.want(`{"type":"authenticated","user":"alice"}`)
		}
		c.send(`{"type":"ping"}`)
		c.send(`{"type":`)
		c.send(`{"type":"dance"}`)
		c.want(`{"type":"pong"}`, `{"type":"error","code":"INVALID_JSON"}`, `{"type":"error","code":"UNKNOWN_TYPE"}`)
		_ = c.c.Close(websocket.StatusNormalClosure, "")
	}
}

func playChat(t *testing.T, url string) {
	alice, bob := dial(t, url+"/chat?name=alice"), dial(t, url+"/chat?name=bob")
	alice.send(`{"type":"subscribe","room":"general"}`)
	alice.want(`{"type":"subscribed","room":"general","users":["alice"]}`,
		`{"type":"presence","room":"general","event":"join","user":"alice","users":["alice"]}`)
	bob.send(`{"type":"subscribe","room":"general"}`)
	join := `{"type":"presence","room":"general","event":"join","user":"bob","users":["alice","bob"]}`
	bob.want(`{"type":"subscribed","room":"general","users":["alice","bob"]}`, join)
	alice.want(join)
	bob.send(`{"type":"message","room":"general","text":"hi"}`)
	said := `{"type":"message","room":"general","user":"bob","text":"hi","at":0}`
	alice.want(said)
	bob.want(said)
	_ = bob.c.Close(websocket.StatusNormalClosure, "")
	alice.want(`{"type":"presence","room":"general","event":"leave","user":"bob","users":["alice"]}`)
}

func playNotifications(t *testing.T, url string) {
	a, b := dial(t, url+"/notifications"), dial(t, url+"/notifications")
	a.want(`{"type":"welcome"}`)
	b.want(`{"type":"welcome"}`)
	a.send(`{"type":"subscribe","topics":["news"]}`)
	a.want(`{"type":"subscribed","topics":["news"]}`)
	b.send(`{"type":"notify","topic":"news","text":"rain"}`)
	b.send(`{"type":"notify","text":"all"}`)
	a.want(`{"type":"notification","topic":"news","text":"rain","at":0}`,
		`{"type":"notification","text":"all","at":0}`)
	b.want(`{"type":"notification","text":"all","at":0}`)
}

func playRooms(t *testing.T, url string) {
	a, b, other := dial(t, url+"/rooms/1"), dial(t, url+"/rooms/1"), dial(t, url+"/rooms/2")
	a.send("one")
	other.send("two")
	a.want("one")
	b.want("one")
	other.want("two")
}

func playUsers(t *testing.T, url string) {
	alice, bob := dial(t, url+"/users?user=alice"), dial(t, url+"/users?user=bob")
	bob2 := dial(t, url+"/users?user=bob")
	alice.send(`{"type":"send","to":["bob","carol"],"text":"hi"}`)
	alice.want(`{"type":"sent","to":"bob","online":true}`, `{"type":"sent","to":"carol","online":false}`)
	bob.want(`{"type":"message","from":"alice","text":"hi"}`)
	bob2.want(`{"type":"message","from":"alice","text":"hi"}`)
}

func playPresence(t *testing.T, url string) {
	alice := dial(t, url+"/presence?user=alice")
	alice.want(`{"type":"presence","user":"alice","online":true,"users":["alice"]}`)
	bob := dial(t, url+"/presence?user=bob")
	alice.want(`{"type":"presence","user":"bob","online":true,"users":["alice","bob"]}`)
	alice.send(`{"type":"online","user":"bob"}`)
	alice.send(`{"type":"who"}`)
	alice.want(`{"type":"online","user":"bob","online":true}`, `{"type":"users","users":["alice","bob"]}`)
	_ = bob.c.CloseNow()
	alice.want(`{"type":"presence","user":"bob","online":false,"users":["alice"]}`)
}

func playSecure(t *testing.T, url string) {
	c := dial(t, url+"/secure?token=wrong")
	c.want(`{"type":"error","message":"Unauthorized"}`)
	c.wantClose(3000)
}

// TestChatScenario: the chat passes the scenario that chats in other languages have to pass.
func TestChatScenario(t *testing.T) {
	r := host.Route{Plugin: filepath.Join(build(t, "chat"), "chat.wasm")}
	r.Limits.Deadline = 10 * time.Second
	scenario.Test(t, scenario.Options{Route: r}, "chat/chat.scenario")
}
