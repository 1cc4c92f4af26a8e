package playground

import (
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
)

func get(t *testing.T, method, path string) *httptest.ResponseRecorder {
	t.Helper()
	w := httptest.NewRecorder()
	h := Handler(func() any { return []map[string]string{{"path": "/echo"}} }, nil)
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w
}

// TestPageIsWhole: all files that the page names are served with a type, and nothing is loaded from other hosts.
func TestPageIsWhole(t *testing.T) {
	page := get(t, "GET", "/").Body.String()
	refs := regexp.MustCompile(`(?:src|href)="([^"]*)"`).FindAllStringSubmatch(page, -1)
	if len(refs) < 3 {
		t.Fatalf("the page names %d files", len(refs))
	}
	for _, r := range refs {
		if w := get(t, "GET", r[1]); w.Code != http.StatusOK || w.Header().Get("Content-Type") == "" {
			t.Errorf("%s: %d %s", r[1], w.Code, w.Header().Get("Content-Type"))
		}
	}
	for name := range contentTypes {
		if name == "icon.svg" { // its namespace is a URL
			continue
		}
		data, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		if i := strings.Index(string(data), "http"+"s://"); i >= 0 {
			t.Errorf("%s names another host", name)
		}
		if strings.Contains(string(data), "innerHTML") {
			t.Errorf("%s uses innerHTML", name)
		}
	}
	if regexp.MustCompile(`<script>|<style|\son\w+=|style=`).MatchString(page) {
		t.Error("the page has inline script or style, which its policy forbids")
	}
}

func TestHeaders(t *testing.T) {
	for _, path := range []string{"/", "/playground/app.js", "/playground/channels.json", "/playground/nothing"} {
		h := get(t, "GET", path).Header()
		if !strings.HasPrefix(h.Get("Content-Security-Policy"), "default-src 'none'; script-src 'self';") {
			t.Errorf("%s: policy %q", path, h.Get("Content-Security-Policy"))
		}
		if h.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no X-Content-Type-Options: nosniff", path)
		}
	}
}

func TestAnswers(t *testing.T) {
	for _, c := range []struct {
		method, path string
		code         int
	}{
		{"GET", "/", 200}, {"HEAD", "/", 200}, {"POST", "/", 405},
		{"GET", "/playground/", 404}, {"GET", "/playground/playground.go", 404}, {"GET", "/playground/index.html", 404},
	} {
		if w := get(t, c.method, c.path); w.Code != c.code {
			t.Errorf("%s %s: %d, want %d", c.method, c.path, w.Code, c.code)
		}
	}
	if got := strings.TrimSpace(get(t, "GET", "/playground/channels.json").Body.String()); got != `[{"path":"/echo"}]` {
		t.Errorf("channels.json: %s", got)
	}
}

func TestHas(t *testing.T) {
	for path, want := range map[string]bool{
		"/": true, "/playground/app.js": true, "/playground/": true,
		"/playground": false, "/chat": false, "": false, "/playgrounds/": false,
	} {
		if Has(path) != want {
			t.Errorf("Has(%q) = %v", path, !want)
		}
	}
}
