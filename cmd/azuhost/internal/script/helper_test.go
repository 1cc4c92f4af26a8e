package script_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/script"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/script/scripttest"
	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/race"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is a timeout that suits a busy machine.
const patience = 20 * time.Second

// quickJS returns the file with the runtime. It skips tests that cannot or should not build plugins.
func quickJS(t testing.TB) string {
	t.Helper()
	if testing.Short() {
		t.Skip("builds plugins: not with -short")
	}
	if race.Enabled && t.Name() != "TestClose" {
		t.Skip("the race detector takes minutes to compile QuickJS so often: one test does")
	}
	file, err := scripttest.Runtime()
	if err != nil {
		t.Skip(err)
	}
	return file
}

// build builds a plugin from a script in TypeScript, and returns its file.
func build(t testing.TB, source string) string {
	t.Helper()
	p, err := buildSource(t, source)
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) > 0 {
		t.Error(p.Warnings)
	}
	file := filepath.Join(t.TempDir(), "plugin.wasm")
	if err := os.WriteFile(file, p.Wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// buildSource builds a plugin from a script in TypeScript, in a file plugin.ts.
func buildSource(t testing.TB, source string) (*script.Plugin, error) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "plugin.ts")
	if err := os.WriteFile(file, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	return buildFile(t, file)
}

func buildFile(t testing.TB, file string) (*script.Plugin, error) {
	t.Helper()
	o := script.Options{Runtime: script.Runtime{File: quickJS(t)}, Timeout: time.Minute}
	return script.Build(t.Context(), file, o)
}

// stage is a server with a script on /c/:room.
type stage struct {
	testing.TB
	host *host.Host
	url  string
	log  lockedBuffer
}

// serve starts a server with a script. change, unless it is nil, changes the route. others are more routes.
func serve(t testing.TB, source string, change func(r *host.Route), others ...host.Route) *stage {
	t.Helper()
	s := &stage{TB: t}
	r := host.Route{Path: "/c/:room", Plugin: build(t, source), PresenceGrace: -1}
	r.Limits.Deadline = patience
	if change != nil {
		change(&r)
	}
	var err error
	s.host, err = host.New(host.Options{Routes: append(others, r), Log: slog.New(slog.NewTextHandler(&s.log, nil))})
	if err != nil {
		t.Fatal(err)
	}
	srv := httptest.NewServer(s.host)
	t.Cleanup(func() {
		if err := s.host.Close(context.Background()); err != nil {
			t.Error(err)
		}
		srv.Close()
	})
	s.url = "ws" + strings.TrimPrefix(srv.URL, "http")
	return s
}

type client struct {
	testing.TB
	c *websocket.Conn
}

func (s *stage) dial(path string) client {
	s.Helper()
	ctx, cancel := context.WithTimeout(s.Context(), patience)
	defer cancel()
	c, _, err := websocket.Dial(ctx, s.url+path, nil)
	if err != nil {
		s.Fatal(err)
	}
	c.SetReadLimit(1 << 20)
	s.Cleanup(func() { _ = c.CloseNow() })
	return client{s.TB, c}
}

func (c client) send(kind websocket.MessageType, data string) {
	c.Helper()
	if err := c.c.Write(c.Context(), kind, []byte(data)); err != nil {
		c.Fatal(err)
	}
}

func (c client) read() string {
	c.Helper()
	ctx, cancel := context.WithTimeout(c.Context(), patience)
	defer cancel()
	_, b, err := c.c.Read(ctx)
	if err != nil {
		c.Fatal(err)
	}
	return string(b)
}

// ask sends a text, and fails the test unless the next message is want.
func (c client) ask(text, want string) {
	c.Helper()
	c.send(websocket.MessageText, text)
	if got := c.read(); got != want {
		c.Fatalf("%.200q: got %.300q, want %.200q", text, got, want)
	}
}

const internalError = `{"type":"error","code":"INTERNAL_ERROR"}`

// lockedBuffer is a buffer for concurrent use.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}
