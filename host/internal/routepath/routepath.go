// Package routepath parses the paths of routes and finds conflicts between them.
package routepath

import (
	"fmt"
	"net/http"
	pathpkg "path"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/internal/naming"
)

// Parse converts a path such as "/rooms/:room_id" to the pattern of
// http.ServeMux, "/rooms/{room_id}", and the names of its parameters.
func Parse(path string) (mux string, params []string, err error) {
	if !strings.HasPrefix(path, "/") {
		return "", nil, fmt.Errorf("path %q: want a leading /", path)
	}
	if strings.ContainsAny(path, "{}?#% ") {
		return "", nil, fmt.Errorf("path %q: none of { } ? # %% and space; write parameters as :name", path)
	}
	if strings.ContainsFunc(path, unicode.IsControl) || !utf8.ValidString(path) {
		return "", nil, fmt.Errorf("path %q: want UTF-8 without control characters", path)
	}
	if c := pathpkg.Clean(path); c != path && (c+"/" != path || c == "/") {
		return "", nil, fmt.Errorf("path %q: no request has such a path; write %q", path, c)
	}
	parts := strings.Split(path, "/")
	for i, p := range parts {
		param, ok := strings.CutPrefix(p, ":")
		if !ok {
			continue
		}
		if !naming.ValidMetric(param) {
			return "", nil, fmt.Errorf("path %q: parameter %q: want letters, digits and _", path, param)
		}
		if slices.Contains(params, param) {
			return "", nil, fmt.Errorf("path %q: parameter %q is there twice", path, param)
		}
		params = append(params, param)
		parts[i] = "{" + param + "}"
	}
	mux = strings.Join(parts, "/")
	if strings.HasSuffix(mux, "/") {
		mux += "{$}" // this path, not all below it
	}
	return mux, params, nil
}

// Handle registers a handler for a path, and records the path in routes by its
// pattern. The error of a conflict names the two routes.
func Handle(mux *http.ServeMux, routes map[string]string, path string, h http.Handler) (err error) {
	pattern, _, err := Parse(path)
	if err != nil {
		return err
	}
	if other, ok := routes[pattern]; ok {
		return fmt.Errorf("route %s conflicts with route %s: they match the same paths", path, other)
	}
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf(
				"route %s conflicts with %s: some paths match both, and neither is more specific",
				path,
				conflicting(fmt.Sprint(r), pattern, routes),
			)
		}
	}()
	mux.Handle(pattern, h)
	routes[pattern] = path
	return nil
}

// Clean returns the escaped path that http.ServeMux matches in place of another one:
// without empty segments and without the segments . and .. .
func Clean(escaped string) string {
	clean := pathpkg.Clean("/" + escaped)
	if strings.HasSuffix(escaped, "/") && clean != "/" {
		clean += "/"
	}
	return clean
}

// NeedsSlash reports whether http.ServeMux found a pattern for a path by adding a slash
// to the path, to which it redirects.
func NeedsSlash(pattern, path string) bool {
	return strings.HasSuffix(pattern, "/{$}") && !strings.HasSuffix(path, "/")
}

// conflicting finds the other route in the message of the panic.
func conflicting(msg, pattern string, routes map[string]string) string {
	for p, path := range routes {
		if p != pattern && strings.Contains(msg, `"`+p+`"`) {
			return "route " + path
		}
	}
	return "another route (" + msg + ")"
}
