package host_test

import (
	"errors"
	"os"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestLoad checks that Load reads the file of a plugin, and that the current version continues to run if the file does
// not load.
func TestLoad(t *testing.T) {
	s := newTrialHost(t, host.Pool, 1)
	s.o.Routes = append(s.o.Routes, host.Route{Path: "/go", Channel: scriptInGo()})
	s.start()
	v1 := s.version()
	change, err := s.h.Load(t.Context(), "/c")
	if err != nil || change != (host.VersionChange{Route: "/c", Version: v1, Was: v1}) {
		t.Errorf("the same file: %+v, %v", change, err)
	}
	replace(t, s.file, version(t, 2))
	change, err = s.h.Load(t.Context(), "/c")
	if err != nil || !change.Changed || change.Was != v1 || change.Version != s.version() {
		t.Errorf("another file: %+v, %v", change, err)
	}
	if err := os.WriteFile(s.file, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.h.Load(t.Context(), "/c"); err == nil || s.version() != change.Version {
		t.Errorf("no module: %v", err)
	}
	for route, want := range map[string]error{"/x": host.ErrUnknownRoute, "/go": host.ErrNoVersion} {
		if _, err := s.h.Load(t.Context(), route); !errors.Is(err, want) {
			t.Errorf("%s: %v", route, err)
		}
		if _, err := s.h.RollBack(t.Context(), route); !errors.Is(err, want) {
			t.Errorf("%s: %v", route, err)
		}
	}
}
