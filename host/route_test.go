package host

import (
	"strings"
	"testing"
)

// TestConflicts finds pairs of routes of which neither is more specific.
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
