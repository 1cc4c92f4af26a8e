package host_test

import (
	"errors"
	"log/slog"
	"os"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestRollBackByHand: the version that was good before comes back once, and the
// other one is not loaded again by itself.
func TestRollBackByHand(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
	s.o.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.start()
	info := func() host.RouteInfo { return s.h.Routes()[0] }
	v1 := info().Version
	if _, err := s.h.RollBack(t.Context(), "/c"); !errors.Is(err, host.ErrNoVersion) {
		t.Errorf("with one version: %v", err)
	}
	s.pass()
	s.load(2)
	v2 := info().Version
	s.pass()
	if i := info(); i.LastGood != v2 || i.Running != 1 || i.Connections != 1 {
		t.Errorf("%+v", i)
	}
	change, err := s.h.RollBack(t.Context(), "/c")
	if want := (host.VersionChange{Route: "/c", Version: v1, Was: v2, Changed: true}); err != nil || change != want {
		t.Fatalf("%+v, %v; want %+v", change, err, want)
	}
	reload(t, s.h, s.o) // the file still has the other
	if i := info(); i.Version != v1 || i.LastGood != v1 || i.Refused != v2 {
		t.Errorf("%+v", i)
	}
	if _, err := s.h.RollBack(t.Context(), "/c"); !errors.Is(err, host.ErrNoVersion) {
		t.Errorf("twice: %v", err)
	}
	change, err = s.h.Load(t.Context(), "/c")
	if err != nil || change.Version != v2 || !change.Changed || info().Refused != "" {
		t.Errorf("%+v, %v", change, err)
	}
	// On trial: the one to go back to is the one that is good.
	if change, err = s.h.RollBack(t.Context(), "/c"); err != nil || change.Version != v1 {
		t.Errorf("%+v, %v", change, err)
	}
	do(t, s.c, "s still here", "still here")
}

// TestRollBackForgetsNothing: a version that was rolled back because it failed is refused
// also after the one that replaced it was rolled back by hand.
func TestRollBackForgetsNothing(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
	s.o.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.start()
	s.pass()
	v1 := s.h.Routes()[0].Version
	s.load(2)
	s.pass()
	s.load(3)
	bad := s.h.Routes()[0].Version
	s.fail()
	s.becomes(2)
	if change, err := s.h.RollBack(t.Context(), "/c"); err != nil || change.Version != v1 {
		t.Fatalf("%+v, %v", change, err)
	}
	reload(t, s.h, s.o) // the file still has the one that fails
	s.runs(1)
	if want := "version=" + bad + " runs=" + v1; !strings.Contains(s.log.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, s.log.String())
	}
	s.load(2)
	s.runs(1)
	s.load(4) // another content: all is forgiven
	s.load(2)
	s.runs(2)
}

func TestLoad(t *testing.T) {
	s := newTrialHost(t, host.Pool, 1)
	s.o.Routes = append(s.o.Routes, host.Route{Path: "/go", Channel: scriptInGo()})
	s.start()
	v1 := s.h.Routes()[0].Version
	change, err := s.h.Load(t.Context(), "/c")
	if err != nil || change != (host.VersionChange{Route: "/c", Version: v1, Was: v1}) {
		t.Errorf("the same file: %+v, %v", change, err)
	}
	replace(t, s.file, version(t, 2))
	change, err = s.h.Load(t.Context(), "/c")
	if err != nil || !change.Changed || change.Was != v1 || change.Version != s.h.Routes()[0].Version {
		t.Errorf("another: %+v, %v", change, err)
	}
	if err := os.WriteFile(s.file, []byte("no module"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := s.h.Load(t.Context(), "/c"); err == nil || s.h.Routes()[0].Version != change.Version {
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
