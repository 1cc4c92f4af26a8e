// Package chat tests the ready-made chat in every language with the same steps: plugins/chat in Go, and
// sdk/*/examples/chat. The script build there, called as build OUT.wasm, adds a language.
package chat

import (
	"context"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/race"
)

// TestMain fails on leaked goroutines.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// timeout limits the wait for a message.
const timeout = 20 * time.Second

// step is an action of a client: it connects, closes or sends a text.
type step struct {
	name           string
	connect, query string              // client that connects, and the query of its URL
	close          string              // client that closes its connection
	from, text     string              // client that sends a text
	want           map[string][]string // JSON messages by the client that gets them; at is not compared
}

// to is the want of a step.
type to = map[string][]string

const greeting = `{"type":"message","room":"general","user":"alice","text":"hi \"ü\" \\ \n 🌍 🌍 \u2028","at":0}`

var steps = []step{
	{name: "connect", connect: "alice", query: "name=alice"},
	{name: "a name with spaces", connect: "bob", query: "name=+b%C3%B6b+"},
	{name: "ping", from: "alice", text: `{"type":"ping"}`, want: to{"alice": {`{"type":"pong"}`}}},
	{name: "subscribe", from: "alice", text: `{"type":"subscribe","room":"general"}`, want: to{"alice": {
		`{"type":"subscribed","room":"general","users":["alice"]}`,
		`{"type":"presence","room":"general","event":"join","user":"alice","users":["alice"]}`}}},
	{name: "a second subscriber", from: "bob", text: ` { "room" : "gen\u0065ral", "type":"subscribe" } `, want: to{
		"bob": {`{"type":"subscribed","room":"general","users":["alice","böb"]}`,
			`{"type":"presence","room":"general","event":"join","user":"böb","users":["alice","böb"]}`},
		"alice": {`{"type":"presence","room":"general","event":"join","user":"böb","users":["alice","böb"]}`}}},
	{name: "subscribe again", from: "bob", text: `{"type":"subscribe","room":"general"}`, want: to{"bob": {
		`{"type":"subscribed","room":"general","users":["alice","böb"]}`}}},
	{name: "message", from: "alice",
		text: `{"type":"message","room":"general","text":"hi \"\u00fc\" \\ \n 🌍 \ud83c\udf0d \u2028"}`,
		want: to{"alice": {greeting}, "bob": {greeting}}},
	{name: "an empty text", from: "bob", text: `{"type":"message","text":""}`, want: to{
		"alice": {`{"type":"message","room":"general","user":"böb","text":"","at":0}`},
		"bob":   {`{"type":"message","room":"general","user":"böb","text":"","at":0}`}}},
	{name: "a second room", from: "bob", text: `{"type":"subscribe","room":"dén"}`, want: to{"bob": {
		`{"type":"subscribed","room":"dén","users":["böb"]}`,
		`{"type":"presence","room":"dén","event":"join","user":"böb","users":["böb"]}`}}},
	{name: "to the last room", from: "bob",
		text: `{"type":"message","text":"psst","more":[1,{"a":[true,false,null,-1.5e3]}]}`,
		want: to{"bob": {`{"type":"message","room":"dén","user":"böb","text":"psst","at":0}`}}},
	{name: "unsubscribe", from: "bob", text: `{"type":"unsubscribe","room":"dén"}`, want: to{"bob": {
		`{"type":"unsubscribed","room":"dén"}`,
	}}},
	{name: "not subscribed", from: "bob", text: `{"type":"message","room":"dén","text":"x"}`,
		want: to{"bob": {`{"type":"error","code":"NOT_SUBSCRIBED"}`}}},
	{name: "no text", from: "bob", text: `{"type":"message","room":"general"}`,
		want: to{"bob": {`{"type":"error","code":"INVALID_MESSAGE"}`}}},
	{name: "a number as text", from: "bob", text: `{"type":"message","room":"general","text":7}`,
		want: to{"bob": {`{"type":"error","code":"INVALID_MESSAGE"}`}}},
	{name: "not JSON", from: "bob", text: `{"type":"ping"`,
		want: to{"bob": {`{"type":"error","code":"INVALID_JSON"}`}}},
	{name: "text after the JSON", from: "bob", text: `{"type":"ping"} x`,
		want: to{"bob": {`{"type":"error","code":"INVALID_JSON"}`}}},
	{name: "not an object", from: "bob", text: `["ping"]`,
		want: to{"bob": {`{"type":"error","code":"INVALID_JSON"}`}}},
	{name: "no type", from: "bob", text: `{}`,
		want: to{"bob": {`{"type":"error","code":"UNKNOWN_TYPE"}`}}},
	{name: "a number as type", from: "bob", text: `{"type":7}`,
		want: to{"bob": {`{"type":"error","code":"UNKNOWN_TYPE"}`}}},
	{name: "an unknown type", from: "bob", text: `{"type":"dance"}`,
		want: to{"bob": {`{"type":"error","code":"UNKNOWN_TYPE"}`}}},
	{name: "an invalid name", from: "bob", text: `{"type":"subscribe","room":"a\nb"}`,
		want: to{"bob": {`{"type":"error","code":"INVALID_NAME"}`}}},
	{name: "no room", from: "bob", text: `{"type":"subscribe"}`,
		want: to{"bob": {`{"type":"error","code":"INVALID_NAME"}`}}},
	{name: "no room to leave", from: "bob", text: `{"type":"unsubscribe","room":""}`,
		want: to{"bob": {`{"type":"error","code":"INVALID_NAME"}`}}},
	{name: "a guest", connect: "guest", query: ""},
	{name: "the guest's name", from: "guest", text: `{"type":"subscribe","room":"g"}`, want: to{"guest": {
		`{"type":"subscribed","room":"g","users":["guest-1"]}`,
		`{"type":"presence","room":"g","event":"join","user":"guest-1","users":["guest-1"]}`}}},
	{name: "a client with the name of the next guest", connect: "poser", query: "name=guest-2"},
	{name: "the next guest", connect: "guest3", query: "name=%20"},
	{name: "the next guest's name", from: "guest3", text: `{"type":"subscribe","room":"h"}`, want: to{"guest3": {
		`{"type":"subscribed","room":"h","users":["guest-3"]}`,
		`{"type":"presence","room":"h","event":"join","user":"guest-3","users":["guest-3"]}`}}},
	{name: "leave", close: "bob", want: to{"alice": {
		`{"type":"presence","room":"general","event":"leave","user":"böb","users":["alice"]}`}}},
	{name: "the connection still works", from: "alice", text: `{"type":"ping"}`,
		want: to{"alice": {`{"type":"pong"}`}}},
}

// refused has queries that are refused with status 400.
var refused = []string{"name=" + strings.Repeat("x", 65), "name=a%01b"}

// TestChat runs the steps with the chat in each language.
func TestChat(t *testing.T) {
	if race.Enabled {
		t.Skip("compiling large guests with the race detector takes a minute; make conformance runs this test")
	}
	builds, err := filepath.Glob("../../sdk/*/examples/chat/build")
	if err != nil || len(builds) == 0 {
		t.Fatalf("no build scripts: %v", err)
	}
	t.Run("go", func(t *testing.T) {
		runSteps(t, goChat(t))
	})
	for _, script := range builds {
		language := strings.Split(filepath.ToSlash(script), "/")[3]
		t.Run(language, func(t *testing.T) { runSteps(t, buildChat(t, script)) })
	}
}

// goChat builds plugins/chat and returns the file.
func goChat(t *testing.T) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "chat.wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out,
		"../../plugins/chat")
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return out
}

// missingTool is the exit code of a build script whose compiler is missing. The test skips the language
// then, and fails if AZUHOST_GUESTS is set, as in CI.
const missingTool = 3

// buildChat runs a build script and returns the file.
func buildChat(t *testing.T, script string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), "chat.wasm")
	text, err := exec.Command(script, out).CombinedOutput()
	if exit, ok := err.(*exec.ExitError); ok && exit.ExitCode() == missingTool && os.Getenv("AZUHOST_GUESTS") == "" {
		t.Skipf("the chat is not built: %s", strings.TrimSpace(string(text)))
	}
	if err != nil {
		t.Fatalf("build: %v\n%s", err, text)
	}
	return out
}

// runSteps starts a host with a chat and runs all steps.
func runSteps(t *testing.T, file string) {
	r := host.Route{Path: "/chat", Plugin: file, PresenceGrace: -1}
	// Guests are slow on a busy machine.
	r.Limits.Deadline = 10 * time.Second
	h, err := host.New(host.Options{Routes: []host.Route{r}})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h)
	t.Cleanup(func() {
		if err := h.Close(context.Background()); err != nil {
			t.Error(err)
		}
		server.Close()
	})
	address := "ws" + strings.TrimPrefix(server.URL, "http") + "/chat?"
	for _, q := range refused {
		if _, res, err := dial(t, address+q); err == nil || res != 400 {
			t.Errorf("%s: got %v, %d, want the status 400", q, err, res)
		}
	}
	clients := map[string]*websocket.Conn{}
	for _, s := range steps {
		switch {
		case s.connect != "":
			c, _, err := dial(t, address+s.query)
			if err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
			clients[s.connect] = c
		case s.close != "":
			_ = clients[s.close].Close(websocket.StatusNormalClosure, "")
		default:
			if err := clients[s.from].Write(t.Context(), websocket.MessageText, []byte(s.text)); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
		for name, messages := range s.want {
			for _, want := range messages {
				compare(t, s.name+", "+name, read(t, clients[name], s.name), want)
			}
		}
	}
}

func dial(t *testing.T, address string) (*websocket.Conn, int, error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	c, res, err := websocket.Dial(ctx, address, nil)
	if err != nil {
		if res == nil {
			return nil, 0, err
		}
		return nil, res.StatusCode, err
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c, res.StatusCode, nil
}

func read(t *testing.T, c *websocket.Conn, step string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), timeout)
	defer cancel()
	kind, b, err := c.Read(ctx)
	if err != nil || kind != websocket.MessageText {
		t.Fatalf("%s: %v, %v", step, kind, err)
	}
	return string(b)
}

// compare compares two messages as JSON values, because languages escape strings differently.
func compare(t *testing.T, step, got, want string) {
	t.Helper()
	var g, w map[string]any
	if err := json.Unmarshal([]byte(got), &g); err != nil {
		t.Fatalf("%s: %s: %v", step, got, err)
	}
	if err := json.Unmarshal([]byte(want), &w); err != nil {
		t.Fatal(err)
	}
	if _, ok := w["at"]; ok {
		at, ok := g["at"].(float64)
		if now := float64(time.Now().UnixMilli()); !ok || at > now+1000 || at < now-timeout.Seconds()*1000 {
			t.Errorf("%s: %s has a wrong time", step, got)
		}
		g["at"], w["at"] = 0, 0
	}
	if !reflect.DeepEqual(g, w) {
		t.Fatalf("%s:\ngot  %s\nwant %s", step, got, want)
	}
}
