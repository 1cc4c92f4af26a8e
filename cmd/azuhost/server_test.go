package main

import (
	"io"
	"net/http/httptest"
	"os"
	"testing"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// startServer starts a server without routes, on free ports. The test closes it.
func startServer(t *testing.T, set ...config.Setting) *server {
	t.Helper()
	t.Chdir(t.TempDir())
	t.Setenv("HOME", t.TempDir())
	src := &configSource{proc: &process{stdout: io.Discard, stderr: io.Discard}, file: "azuhost.yaml"}
	src.set = append([]config.Setting{
		{Key: "listen", Text: "127.0.0.1:0"}, {Key: "internal", Text: "127.0.0.1:0"},
	}, set...)
	if err := os.WriteFile(src.file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	s, err := start(t.Context(), src)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// TestPlaygroundHosts: a page whose host name resolves to this server (DNS rebinding) cannot read the playground.
func TestPlaygroundHosts(t *testing.T) {
	for _, c := range []struct {
		allowed, host string
		status        int
	}{
		{"", "localhost:4000", 200}, {"", "127.0.0.1:4000", 200}, {"", "[::1]:4000", 200},
		{"", "evil.example:4000", 403}, {"", "", 403},
		{"chat.example.com", "chat.example.com", 200}, {"chat.example.com", "evil.example", 403},
	} {
		s := startServer(t,
			config.Setting{Key: "playground", Text: "true"}, config.Setting{Key: "allowed_hosts", Text: c.allowed})
		for _, path := range []string{"/", "/playground/app.js", "/playground/channels.json"} {
			r := httptest.NewRequest("GET", path, nil)
			r.Host = c.host
			w := httptest.NewRecorder()
			s.ServeHTTP(w, r)
			if w.Code != c.status {
				t.Errorf("%s of %q with %q: status %d, want %d", path, c.host, c.allowed, w.Code, c.status)
			}
		}
		if err := s.close(); err != nil {
			t.Error(err)
		}
	}
}
