package conformance

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host"
)

// timeout limits the wait for a message or a log line.
const timeout = 20 * time.Second

// harness is a host with a guest at /c/:id.
type harness struct {
	*testing.T
	host *host.Host
	url  string
	log  *safeBuffer
}

// safeBuffer is a buffer that may be read while it is written.
type safeBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *safeBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *safeBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// options returns the options of a host with the guest.
func (g guest) options() host.Options {
	r := host.Route{
		Path: "/c/:id", Plugin: g.file, Subprotocols: []string{"chat.v1"}, PresenceGrace: -1,
		Config: map[string]any{"do": "store_add|loads|1|0"},
	}
	r.Limits.MaxMessage = 1 << 20
	// Guests are slow with the race detector and on a busy machine.
	r.Limits.Deadline = 10 * time.Second
	r.Limits.Faults = 1000
	return host.Options{Routes: []host.Route{r}, PingInterval: -1, CacheDir: g.cache}
}

// newBehaviorHarness starts a host for a behavior.
func newBehaviorHarness(t *testing.T, g guest, b behavior) *harness {
	t.Helper()
	o := g.options()
	if b.options != nil {
		b.options(&o)
	}
	return newHarness(t, o)
}

// newHarness starts a host.
func newHarness(t *testing.T, o host.Options) *harness {
	t.Helper()
	h := &harness{T: t, log: &safeBuffer{}}
	o.Log = slog.New(slog.NewTextHandler(h.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if h.host, err = host.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(h.host)
	h.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), timeout)
		defer cancel()
		if err := h.host.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
		if t.Failed() {
			t.Logf("log of the host:\n%s", h.log)
		}
	})
	return h
}

// client is a connection of a test.
type client struct {
	*testing.T
	*websocket.Conn
}

// waitLog waits for a text in the log of the host.
func (h *harness) waitLog(text string) {
	h.Helper()
	for end := time.Now().Add(timeout); !strings.Contains(h.log.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			h.Fatalf("no %q in the log", text)
		}
	}
}

// dial connects to a path below the route, for example "1?do=join|r".
func (h *harness) dial(path string) client {
	h.Helper()
	c, _, err := h.tryDial(path, nil)
	if err != nil {
		h.Fatal(err)
	}
	return c
}

// tryDial is dial for a connection that may be refused. o may be nil.
func (h *harness) tryDial(path string, o *websocket.DialOptions) (client, *http.Response, error) {
	h.Helper()
	path, query, _ := strings.Cut(path, "?do=")
	if query != "" {
		path += "?do=" + url.QueryEscape(query)
	}
	ctx, cancel := context.WithTimeout(h.Context(), timeout)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, h.url+"/c/"+path, o)
	if err != nil {
		return client{}, res, err
	}
	conn.SetReadLimit(8 << 20)
	h.Cleanup(func() { _ = conn.CloseNow() })
	return client{h.T, conn}, res, nil
}

// send sends a script.
func (c client) send(script string) { c.write(websocket.MessageText, script) }

func (c client) write(kind websocket.MessageType, data string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), timeout)
	defer cancel()
	if err := c.Write(ctx, kind, []byte(data)); err != nil {
		c.Fatal(err)
	}
}

// want reads messages and compares them with texts. A text that begins with ~ is a regular expression.
func (c client) want(texts ...string) {
	c.Helper()
	for _, want := range texts {
		_, got := c.next(want)
		if !matches(got, want) {
			c.Fatalf("got %s, want %s", truncate(got), truncate(want))
		}
	}
}

func matches(got, want string) bool {
	if pattern, ok := strings.CutPrefix(want, "~"); ok {
		return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(got)
	}
	return got == want
}

// next reads one message. want describes it in errors.
func (c client) next(want string) (websocket.MessageType, string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), timeout)
	defer cancel()
	kind, b, err := c.Read(ctx)
	if err != nil {
		c.Fatalf("want %s: %v", truncate(want), err)
	}
	return kind, string(b)
}

// run sends a script and reads its answers.
func (c client) run(script string, answers ...string) {
	c.Helper()
	c.send(script)
	c.want(answers...)
}

// runUntil sends a script of one command again until its answer is the expected one.
func (c client) runUntil(script, answer string) {
	c.Helper()
	for end := time.Now().Add(timeout); ; {
		c.send(script)
		_, got := c.next(answer)
		if got == answer {
			return
		}
		if time.Now().After(end) {
			c.Fatalf("%s is still answered with %s, want %s", script, truncate(got), truncate(answer))
		}
	}
}

// wantClose reads the close frame and compares its code and reason.
func (c client) wantClose(code int, reason string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), timeout)
	defer cancel()
	_, b, err := c.Read(ctx)
	var e websocket.CloseError
	if !asClose(err, &e) || int(e.Code) != code || e.Reason != reason {
		c.Fatalf("got %s, %v; want a close with %d %s", truncate(string(b)), err, code, reason)
	}
}

// truncate shortens a text for error messages.
func truncate(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}
