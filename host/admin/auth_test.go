package admin

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// newAuthServer returns a Server with a token that answers every authorized request with 200.
func newAuthServer(t *testing.T, token string) *Server {
	t.Helper()
	s := &Server{next: http.HandlerFunc(func(http.ResponseWriter, *http.Request) {})}
	if err := s.SetToken(token); err != nil {
		t.Fatal(err)
	}
	return s
}

func TestAuthorize(t *testing.T) {
	for _, tc := range []struct {
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
		r := httptest.NewRequest("GET", "http://x"+tc.path, nil)
		r.Host = tc.host
		if tc.auth != "" {
			r.Header.Set("Authorization", tc.auth)
		}
		w := httptest.NewRecorder()
		newAuthServer(t, tc.token).ServeHTTP(w, r)
		if w.Code != tc.want {
			t.Errorf("%+v: %d", tc, w.Code)
		}
	}
}

// TestAuthorizeBrowsers sends what a page of another origin can make a browser send.
func TestAuthorizeBrowsers(t *testing.T) {
	const trace = "/debug/pprof/trace"
	for _, tc := range []struct {
		path, site, origin string
		want               int
	}{
		{trace, "", "", 200},
		{trace, "none", "", 200},
		{trace, "same-origin", "", 200},
		{trace, "same-origin", "http://localhost:4001", 200},
		{trace, "", "http://localhost:4001", 200},
		{trace, "cross-site", "", 403},
		{trace, "same-site", "", 403},
		{trace, "new", "", 403},
		{trace, "cross-site", "http://localhost:4001", 403},
		{trace, "", "http://localhost:3000", 403},
		{trace, "", "https://evil.example", 403},
		{trace, "", "null", 403},
		{"/metrics", "cross-site", "", 403},
		{"/api/v1/node", "cross-site", "", 403},
		{"/livez", "cross-site", "https://evil.example", 200},
		{"/readyz", "cross-site", "", 200},
	} {
		for _, token := range []string{"", "s3cret"} {
			r := httptest.NewRequest("GET", "http://localhost:4001"+tc.path, nil)
			for name, value := range map[string]string{"Sec-Fetch-Site": tc.site, "Origin": tc.origin} {
				if value != "" {
					r.Header.Set(name, value)
				}
			}
			if token != "" {
				r.Header.Set("Authorization", "Bearer "+token)
			}
			w := httptest.NewRecorder()
			newAuthServer(t, token).ServeHTTP(w, r)
			if w.Code != tc.want {
				t.Errorf("%+v with token %q: %d", tc, token, w.Code)
			}
		}
	}
}

// TestTokensThatCannotBeSent checks that New refuses tokens that a header cannot carry.
func TestTokensThatCannotBeSent(t *testing.T) {
	h, _ := newHost(t)
	for token, ok := range map[string]bool{
		"": true, "s3cret": true, "pass phrase": true, "sécret": true,
		" s3cret": false, "s3cret\n": false, " ": false, "s3\ncret": false, "s3\x00cret": false, "s3\tcret": false,
	} {
		s, err := New(h, Options{Token: token})
		if err == nil {
			s.Close()
		}
		if (err == nil) != ok || err != nil && !strings.Contains(err.Error(), "Token: the token ") {
			t.Errorf("%q: %v", token, err)
		}
	}
}

func TestAPIToken(t *testing.T) {
	_, _, c := newAPI(t, Options{Token: "s3cret"})
	c.want(401, "unauthorized", "GET", "node", "")
	c.want(401, "unauthorized", "GET", "openapi.json", "")
	c.token = "other"
	c.want(401, "unauthorized", "POST", "publish", `{"all": true, "text": "x"}`)
	c.token = "s3cret"
	c.get("node")
	c.get("openapi.json")
	c.post("publish", `{"all": true, "text": "x"}`)
	// SetToken applies to the next request.
	if err := c.server.SetToken("other"); err != nil {
		t.Fatal(err)
	}
	c.want(401, "unauthorized", "GET", "node", "")
	c.token = "other"
	c.get("node")
	if err := c.server.SetToken("not valid\n"); err == nil {
		t.Error("a token that is not valid was accepted")
	}
	c.get("node")
}
