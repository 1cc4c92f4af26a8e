package admin

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/coder/websocket"
)

// hookDeadline is long enough for hooks on a busy machine.
const hookDeadline = 10 * time.Second

// newHost returns a host and the URL of its public listener. Both are closed at the end of the test.
func newHost(t *testing.T, routes ...host.Route) (h *host.Host, wsURL string) {
	t.Helper()
	h, err := host.New(host.Options{Log: slog.New(slog.DiscardHandler), Node: "n1", Routes: routes})
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		closeHost(t, h)
		s.Close()
	})
	return h, "ws" + strings.TrimPrefix(s.URL, "http")
}

func closeHost(t *testing.T, h *host.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
}

// newServer returns a Server that is closed at the end of the test.
func newServer(t *testing.T, h *host.Host, o Options) *Server {
	t.Helper()
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	s, err := New(h, o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	return s
}

// scriptRoute returns the route /c. on_connect runs the commands of the query parameter do, separated by ";":
// "identify USER" identifies the connection, "join ROOM" joins it to a room, "send TEXT" sends it a text. on_publish
// depends on the first user: it refuses "refused", fails for "fails" and panics for "panics". It records the users in
// asked, if that is not nil, and else sends the message.
func scriptRoute(asked *[]string) host.Route {
	funcs := &host.Funcs{
		OnConnect: func(env host.Env, conn host.ConnID) error {
			script, err := env.Query(conn, "do")
			if err != nil {
				return nil // no parameter
			}
			var errs []error
			for command := range strings.SplitSeq(script, ";") {
				name, arg, _ := strings.Cut(command, " ")
				switch name {
				case "identify":
					errs = append(errs, env.Identify(conn, arg))
				case "join":
					errs = append(errs, env.Join(conn, arg))
				case "send":
					errs = append(errs, env.Send(conn, abi.Text, []byte(arg)))
				}
			}
			return errors.Join(errs...)
		},
	}
	if asked != nil {
		funcs.OnPublish = func(env host.Env, to host.Target, m host.Message) error {
			*asked = append(*asked, to.User)
			switch to.User {
			case "refused":
				return host.Refusal(403)
			case "fails":
				return errors.New("no luck")
			case "panics":
				panic(strings.Repeat("long ", 10_000))
			}
			return env.SendUser(to.User, m.Kind, m.Data)
		}
	}
	return host.Route{Path: "/c", Channel: funcs}
}

// publishRoute returns the route /p/:name, with a plugin whose on_publish does what the message says.
func publishRoute() host.Route {
	return host.Route{
		Path:   "/p/:name",
		Plugin: "../../testplugins/publish.wasm",
		Limits: host.Limits{Deadline: hookDeadline, HookBytes: 1000},
	}
}

// newAPI returns a host with scriptRoute and publishRoute, the URL of its public listener, and a client of its API.
func newAPI(t *testing.T, o Options) (h *host.Host, wsURL string, c *client) {
	t.Helper()
	h, wsURL = newHost(t, scriptRoute(nil), publishRoute())
	return h, wsURL, newClient(t, newServer(t, h, o))
}

func testContext(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dial opens a WebSocket that is closed at the end of the test.
func dial(t *testing.T, wsURL string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(testContext(t), wsURL, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// dialScript connects to scriptRoute, runs the script, and waits until it has run.
func dialScript(t *testing.T, wsURL, script string) *websocket.Conn {
	t.Helper()
	c := dial(t, wsURL+"/c?do="+url.QueryEscape(script+";send connected"))
	wantMessage(t, c, "connected")
	return c
}

func wantMessage(t *testing.T, c *websocket.Conn, text string) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	if err != nil {
		t.Fatalf("want %q: %v", text, err)
	}
	if string(b) != text {
		t.Fatalf("got %q, want %q", b, text)
	}
}

func wantClose(t *testing.T, c *websocket.Conn, code int, reason string) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	var ce websocket.CloseError
	if !errors.As(err, &ce) || int(ce.Code) != code || ce.Reason != reason {
		t.Fatalf("got %q, %v; want a close with %d %q", b, err, code, reason)
	}
}

func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}

// wantMetric waits until a line of /metrics has a value.
func wantMetric(t *testing.T, s *Server, line string) {
	t.Helper()
	eventually(t, line, func() bool {
		w := httptest.NewRecorder()
		s.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost/metrics", nil))
		text, err := io.ReadAll(w.Body)
		return err == nil && strings.Contains("\n"+string(text), "\n"+line+"\n")
	})
}
