package host

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
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

// TestGuardAgainstPages: what a page of another origin can have a browser ask for.
func TestGuardAgainstPages(t *testing.T) {
	const trace = "/debug/pprof/trace"
	for _, c := range []struct {
		path, site, origin string
		want               int
	}{
		{trace, "", "", 200}, {trace, "none", "", 200}, {trace, "same-origin", "", 200}, {trace, "same-origin", "http://localhost:4001", 200},
		{trace, "", "http://localhost:4001", 200},
		{trace, "cross-site", "", 403}, {trace, "same-site", "", 403}, {trace, "new", "", 403}, {trace, "cross-site", "http://localhost:4001", 403},
		{trace, "", "http://localhost:3000", 403}, {trace, "", "https://evil.example", 403}, {trace, "", "null", 403},
		{"/metrics", "cross-site", "", 403}, {"/api/v1/node", "cross-site", "", 403},
		{"/livez", "cross-site", "https://evil.example", 200}, {"/readyz", "cross-site", "", 200},
	} {
		for _, token := range []string{"", "s3cret"} {
			h := &Host{}
			h.config.Store(&config{Options: Options{InternalToken: token}})
			g := &guard{h, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
			r := httptest.NewRequest("GET", "http://localhost:4001"+c.path, nil)
			for name, value := range map[string]string{"Sec-Fetch-Site": c.site, "Origin": c.origin} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			g.ServeHTTP(w, r)
			if w.Code != c.want {
				t.Errorf("%+v with token %q: %d", c, token, w.Code)
			}
		}
	}
}

// TestInternalTokenThatNobodyCanSend is refused.
func TestInternalTokenThatNobodyCanSend(t *testing.T) {
	for token, ok := range map[string]bool{
		"": true, "s3cret": true, "pass phrase": true, "sécret": true,
		" s3cret": false, "s3cret\n": false, " ": false, "s3\ncret": false, "s3\x00cret": false, "s3\tcret": false,
	} {
		h, err := New(Options{InternalToken: token})
		if err == nil {
			err = h.Close(t.Context())
		}
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "InternalToken: the token ") {
			t.Errorf("%q: %v", token, err)
		}
	}
}

// TestProfilesAreBounded holds all that take seconds to inTime.
func TestProfilesAreBounded(t *testing.T) {
	h, err := New(Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	for _, name := range []string{"profile", "trace", "heap", "goroutine"} {
		w := httptest.NewRecorder()
		h.Internal().ServeHTTP(w, httptest.NewRequestWithContext(ctx, "GET", "http://localhost/debug/pprof/"+name+"?seconds=301", nil))
		if w.Code != 400 {
			t.Errorf("%s: %d", name, w.Code)
		}
	}
}

// TestProfilesEnd: none runs for longer than five minutes, however it is asked for.
func TestProfilesEnd(t *testing.T) {
	ran := false
	profile := inTime(func(http.ResponseWriter, *http.Request) { ran = true })
	for seconds, runs := range map[string]bool{
		"": true, "1": true, "300": true, "0.5": true, "-1": true, "soon": true,
		"301": false, "300.1": false, "99999": false, "99999999999999999999": false, "1e9": false, "NaN": false, "Inf": false,
	} {
		for _, r := range []*http.Request{
			httptest.NewRequest("GET", "/debug/pprof/trace?seconds="+seconds, nil),
			httptest.NewRequest("POST", "/debug/pprof/trace", strings.NewReader("seconds="+seconds)),
		} {
			r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
			ran = false
			w := httptest.NewRecorder()
			profile(w, r)
			if ran != runs || !runs && (w.Code != 400 || !strings.Contains(w.Body.String(), "at most 300")) {
				t.Errorf("%s seconds=%s: ran %v, %d %s", r.Method, seconds, ran, w.Code, w.Body)
			}
		}
	}
}
