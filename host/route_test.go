package host

import (
	"net/http"
	"strings"
	"testing"
)

func TestParsePattern(t *testing.T) {
	for path, want := range map[string]string{
		"/":                    "/{$}",
		"/chat":                "/chat",
		"/chat/":               "/chat/{$}",
		"/rooms/:room_id":      "/rooms/{room_id}",
		"/:a/b/:c2/":           "/{a}/b/{c2}/{$}",
		"/a:b/c":               "/a:b/c",
		"/é":                   "/é",
		"":                     "",
		"chat":                 "",
		"/{x}":                 "",
		"/a?b":                 "",
		"/a#b":                 "",
		"/a b":                 "",
		"/%2F":                 "",
		"/a\tb":                "",
		"/a\x00":               "",
		"/\xff":                "",
		"//":                   "",
		"/a//b":                "",
		"/a/../b":              "",
		"/./a":                 "",
		"/a/..":                "",
		"/:":                   "",
		"/:1":                  "",
		"/:a-b":                "",
		"/:é":                  "",
		"/:x/:x":               "",
		"GET /a":               "",
		"/:" + "x" + long(100): "",
	} {
		mux, params, err := parsePath(path)
		if (err == nil) != (want != "") || mux != want {
			t.Errorf("%q: %q, %v; want %q", path, mux, err, want)
		}
		if err == nil && len(params) != strings.Count(path, "/:") {
			t.Errorf("%q: params %q", path, params)
		}
	}
}

func long(n int) string { return strings.Repeat("x", n) }

func TestConflicts(t *testing.T) {
	for _, tc := range [][2]string{
		{"/a", "/a"}, {"/:x", "/:y"}, {"/a/:x", "/:y/b"}, {"/a/:x/", "/:y/b/"}, {"/a/b/:x", "/a/:y/c"},
	} {
		err := checkRoutes([]Route{{Path: tc[0], Channel: &Funcs{}}, {Path: tc[1], Channel: &Funcs{}}})
		if err == nil || !strings.Contains(err.Error(), "route "+tc[0]+" ") && !strings.Contains(err.Error(), "route "+tc[0]+":") || !strings.Contains(err.Error(), "route "+tc[1]) {
			t.Errorf("%v: %v", tc, err)
		}
	}
	for _, tc := range [][2]string{{"/a", "/:x"}, {"/a", "/a/"}, {"/a/:x", "/a/b"}, {"/", "/:x"}} {
		if err := checkRoutes([]Route{{Path: tc[0], Channel: &Funcs{}}, {Path: tc[1], Channel: &Funcs{}}}); err != nil {
			t.Errorf("%v: %v", tc, err)
		}
	}
}

// FuzzParsePattern: whatever is accepted, the standard mux takes it, and a
// request for it can be written.
func FuzzParsePattern(f *testing.F) {
	for _, s := range []string{"/", "/rooms/:id", "/a/", "/:a/:b", "/%zz", "/%2F", "/é/:x", "/a:b", "/...", "/:x...", "/$", "/*", "/a\\b"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		_, params, err := parsePath(path)
		if err != nil {
			return
		}
		mux := http.NewServeMux()
		if err := addRoute(mux, map[string]string{}, path, http.NotFoundHandler()); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		if again := addRoute(mux, map[string]string{}, path, http.NotFoundHandler()); again == nil {
			t.Fatalf("%q is taken twice", path)
		}
		parts := strings.Split(path, "/")
		for _, p := range params {
			for i := range parts {
				if parts[i] == ":"+p {
					parts[i] = "value"
				}
			}
		}
		r, err := http.NewRequest("GET", "http://localhost", nil)
		if err != nil {
			t.Fatal(err)
		}
		r.URL.Path = strings.Join(parts, "/")
		if _, pattern := mux.Handler(r); pattern == "" {
			t.Fatalf("%q matches nothing, not %q", path, r.URL.Path)
		}
	})
}
