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

// patience is how long a test waits for what has to come.
const patience = 20 * time.Second

// stage is a host with a guest at /c/:id.
type stage struct {
	*testing.T
	host *host.Host
	url  string
	log  *logged
}

// logged is a log that can be read while it is written.
type logged struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (l *logged) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.Write(p)
}

func (l *logged) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.buf.String()
}

// options are those of a stage.
func (g guest) options() host.Options {
	r := host.Route{
		Path: "/c/:id", Plugin: g.file, Subprotocols: []string{"chat.v1"}, PresenceGrace: -1,
		Config: map[string]any{"do": "store_add|loads|1|0"},
	}
	r.Limits.MaxMessage = 1 << 20
	// The race detector slows guests down a lot, and so does a busy machine.
	r.Limits.Deadline = 10 * time.Second
	r.Limits.Faults = 1000
	return host.Options{Routes: []host.Route{r}, PingInterval: -1, CacheDir: g.cache}
}

// newStage starts a host for a scene.
func newStage(t *testing.T, g guest, s scene) *stage {
	t.Helper()
	o := g.options()
	if s.options != nil {
		s.options(&o)
	}
	return open(t, o)
}

func open(t *testing.T, o host.Options) *stage {
	t.Helper()
	st := &stage{T: t, log: &logged{}}
	o.Log = slog.New(slog.NewTextHandler(st.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if st.host, err = host.New(o); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(st.host)
	st.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := st.host.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
		if t.Failed() {
			t.Logf("the host's log:\n%s", st.log)
		}
	})
	return st
}

// client is a connection of a test.
type client struct {
	*testing.T
	*websocket.Conn
}

// logs waits for a text in the host's log.
func (s *stage) logs(text string) {
	s.Helper()
	for end := time.Now().Add(patience); !strings.Contains(s.log.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			s.Fatalf("no %q in the log", text)
		}
	}
}

// dial connects to a path below the route, such as "1?do=join|r".
func (s *stage) dial(path string) client {
	s.Helper()
	c, _, err := s.try(path, nil)
	if err != nil {
		s.Fatal(err)
	}
	return c
}

func (s *stage) try(path string, o *websocket.DialOptions) (client, *http.Response, error) {
	s.Helper()
	path, query, _ := strings.Cut(path, "?do=")
	if query != "" {
		path += "?do=" + url.QueryEscape(query)
	}
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, s.url+"/c/"+path, o)
	if err != nil {
		return client{}, res, err
	}
	conn.SetReadLimit(8 << 20)
	s.Cleanup(func() { _ = conn.CloseNow() })
	return client{s.T, conn}, res, nil
}

// say sends a script.
func (c client) say(script string) { c.write(websocket.MessageText, script) }

func (c client) write(kind websocket.MessageType, data string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	if err := c.Write(ctx, kind, []byte(data)); err != nil {
		c.Fatal(err)
	}
}

// want reads messages and holds them against texts. One that begins with ~ is a
// regular expression.
func (c client) want(texts ...string) {
	c.Helper()
	for _, want := range texts {
		_, got := c.next(want)
		if !matches(got, want) {
			c.Fatalf("got %s, want %s", short(got), short(want))
		}
	}
}

func matches(got, want string) bool {
	if pattern, ok := strings.CutPrefix(want, "~"); ok {
		return regexp.MustCompile("^(?:" + pattern + ")$").MatchString(got)
	}
	return got == want
}

// next reads one message.
func (c client) next(want string) (websocket.MessageType, string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	kind, b, err := c.Read(ctx)
	if err != nil {
		c.Fatalf("want %s: %v", short(want), err)
	}
	return kind, string(b)
}

// ask is say and want.
func (c client) ask(script string, answers ...string) {
	c.Helper()
	c.say(script)
	c.want(answers...)
}

// askUntil repeats a question until the answer comes that it has to have in the
// end.
func (c client) askUntil(question, answer string) {
	c.Helper()
	for end := time.Now().Add(patience); ; {
		c.say(question)
		_, got := c.next(answer)
		if got == answer {
			return
		}
		if time.Now().After(end) {
			c.Fatalf("%s is still answered with %s, want %s", question, short(got), short(answer))
		}
	}
}

// wantClose reads the close.
func (c client) wantClose(code int, reason string) {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	_, b, err := c.Read(ctx)
	var e websocket.CloseError
	if !asClose(err, &e) || int(e.Code) != code || e.Reason != reason {
		c.Fatalf("got %s, %v; want a close with %d %s", short(string(b)), err, code, reason)
	}
}

// short is a text for messages of tests.
func short(s string) string {
	if len(s) > 300 {
		return s[:300] + "…"
	}
	return s
}
