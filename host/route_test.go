package host

import (
	"strings"
	"testing"
)

// TestRouteConflicts checks that routes conflict if some paths match both and neither is more specific.
func TestRouteConflicts(t *testing.T) {
	check := func(paths [2]string) error {
		return checkRoutes([]Route{{Path: paths[0], Channel: &Funcs{}}, {Path: paths[1], Channel: &Funcs{}}})
	}
	for _, tc := range [][2]string{
		{"/a", "/a"}, {"/:x", "/:y"}, {"/a/:x", "/:y/b"}, {"/a/:x/", "/:y/b/"}, {"/a/b/:x", "/a/:y/c"},
	} {
		err := check(tc)
		if err == nil {
			t.Errorf("%v: no error", tc)
			continue
		}
		text := err.Error()
		first := strings.Contains(text, "route "+tc[0]+" ") || strings.Contains(text, "route "+tc[0]+":")
		if !first || !strings.Contains(text, "route "+tc[1]) {
			t.Errorf("%v: %v", tc, err)
		}
	}
	for _, tc := range [][2]string{{"/a", "/:x"}, {"/a", "/a/"}, {"/a/:x", "/a/b"}, {"/", "/:x"}} {
		if err := check(tc); err != nil {
			t.Errorf("%v: %v", tc, err)
		}
	}
}
