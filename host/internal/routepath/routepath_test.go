package routepath

import (
	"net/http"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	for path, want := range map[string]string{
		"/":                                   "/{$}",
		"/chat":                               "/chat",
		"/chat/":                              "/chat/{$}",
		"/rooms/:room_id":                     "/rooms/{room_id}",
		"/:a/b/:c2/":                          "/{a}/b/{c2}/{$}",
		"/a:b/c":                              "/a:b/c",
		"/é":                                  "/é",
		"":                                    "",
		"chat":                                "",
		"/{x}":                                "",
		"/a?b":                                "",
		"/a#b":                                "",
		"/a b":                                "",
		"/%2F":                                "",
		"/a\tb":                               "",
		"/a\x00":                              "",
		"/\xff":                               "",
		"//":                                  "",
		"/a//b":                               "",
		"/a/../b":                             "",
		"/./a":                                "",
		"/a/..":                               "",
		"/:":                                  "",
		"/:1":                                 "",
		"/:a-b":                               "",
		"/:é":                                 "",
		"/:x/:x":                              "",
		"GET /a":                              "",
		"/:" + "x" + strings.Repeat("x", 100): "",
	} {
		mux, params, err := Parse(path)
		if (err == nil) != (want != "") || mux != want {
			t.Errorf("%q: %q, %v; want %q", path, mux, err, want)
		}
		if err == nil && len(params) != strings.Count(path, "/:") {
			t.Errorf("%q: params %q", path, params)
		}
	}
}

// FuzzParse checks that http.ServeMux takes each accepted path once, and that some
// request matches it.
func FuzzParse(f *testing.F) {
	for _, s := range []string{
		"/", "/rooms/:id", "/a/", "/:a/:b", "/%zz", "/%2F", "/é/:x", "/a:b", "/...", "/:x...", "/$", "/*", "/a\\b",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, path string) {
		_, params, err := Parse(path)
		if err != nil {
			return
		}
		mux := http.NewServeMux()
		if err := Handle(mux, map[string]string{}, path, http.NotFoundHandler()); err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		if again := Handle(mux, map[string]string{}, path, http.NotFoundHandler()); again == nil {
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

// TestClean compares Clean with what http.ServeMux redirects to.
func TestClean(t *testing.T) {
	for path, want := range map[string]string{
		"/p/42": "/p/42", "/p/42/": "/p/42/", "/": "/", "//": "/", "//p/42": "/p/42", "/p//42": "/p/42",
		"/p/./42": "/p/42", "/q/../p/42": "/p/42", "/p/42/.": "/p/42", "/p/a%2Fb": "/p/a%2Fb",
		"/p/a%2F%2Fb": "/p/a%2F%2Fb", "//p/a%2Fb": "/p/a%2Fb", "/p/%2E%2E/x": "/p/%2E%2E/x", "/..": "/",
	} {
		if got := Clean(path); got != want {
			t.Errorf("Clean(%q) = %q, want %q", path, got, want)
		}
	}
}
