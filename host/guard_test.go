package host

import (
	"net/http"
	"net/http/httptest"
	"testing"
)

func TestGuard(t *testing.T) {
	for _, c := range []struct {
		token, path, host, auth string
		want                    int
	}{
		{"", "/metrics", "127.0.0.1:4001", "", 200},
		{"", "/metrics", "[::1]:4001", "", 200},
		{"", "/metrics", "localhost", "", 200},
		{"", "/metrics", "LOCALHOST:4001", "", 200},
		{"", "/metrics", "evil.example.com:4001", "", 403},
		{"", "/debug/pprof/", "evil.example.com", "", 403},
		{"", "/livez", "evil.example.com", "", 200},
		{"s3cret", "/metrics", "127.0.0.1", "", 401},
		{"s3cret", "/debug/pprof/heap", "127.0.0.1", "Bearer other", 401},
		{"s3cret", "/metrics", "127.0.0.1", "s3cret", 401},
		{"s3cret", "/metrics", "127.0.0.1", "Basic s3cret", 401},
		{"s3cret", "/metrics", "127.0.0.1", "Bearer ", 401},
		{"s3cret", "/metrics", "metrics.example.com", "Bearer s3cret", 200},
		{"s3cret", "/metrics", "127.0.0.1", "bearer  s3cret", 200},
		{"s3cret", "/readyz", "127.0.0.1", "", 200},
		{"s3cret", "/livez", "127.0.0.1", "", 200},
		{"s3cret", "/livez/../metrics", "127.0.0.1", "", 401},
	} {
		h := &Host{}
		h.config.Store(&config{Options: Options{InternalToken: c.token}})
		g := &guard{h, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
		r := httptest.NewRequest("GET", "http://x"+c.path, nil)
		r.Host = c.host
		if c.auth != "" {
			r.Header.Set("Authorization", c.auth)
		}
		w := httptest.NewRecorder()
		g.ServeHTTP(w, r)
		if w.Code != c.want {
			t.Errorf("%+v: %d", c, w.Code)
		}
	}
}
