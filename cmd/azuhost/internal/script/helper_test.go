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

// patience is for a machine that does much else.
const patience = 20 * time.Second

// quickJS gives the package with the runtime.
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

// build makes a plugin of a script in TypeScript, and gives its file.
func build(t testing.TB, source string) string {
	t.Helper()
	dir := t.TempDir()
	src := filepath.Join(dir, "plugin.ts")
	if err := os.WriteFile(src, []byte(source), 0o600); err != nil {
		t.Fatal(err)
	}
	p, err := script.Build(t.Context(), src, script.Options{Runtime: script.Runtime{File: quickJS(t)}, Timeout: time.Minute})
	if err != nil {
		t.Fatal(err)
	}
	if len(p.Warnings) > 0 {
		t.Error(p.Warnings)
	}
	file := filepath.Join(dir, "plugin.wasm")
	if err := os.WriteFile(file, p.Wasm, 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

// stage is a host with one script on /c/:room.
type stage struct {
	testing.TB
	host *host.Host
	url  string
	log  lockedBuffer
}

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

// ask sends a text and wants an answer.
func (c client) ask(text, want string) {
	c.Helper()
	c.send(websocket.MessageText, text)
	if got := c.read(); got != want {
		c.Fatalf("%.200q was answered with %.300q, want %.200q", text, got, want)
	}
}

const internalError = `{"type":"error","code":"INTERNAL_ERROR"}`

// lockedBuffer is a buffer that goroutines share.
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
