package host_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
)

// TestRollback checks that a version that fails its trial is replaced within a second, with all connections and state,
// and that it is refused until the file has had another content.
func TestRollback(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.start()
		do(t, s.c, "join room;identify me;value_set k|kept;store_set k|kept")
		s.pass()
		good := s.version()
		s.load(2)
		s.runs(2)
		failing := s.version()
		begun := time.Now()
		s.fail()
		s.becomes(1)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("the rollback took %v", took)
		}
		if v := s.version(); v != good {
			t.Errorf("%s runs, want %s", v, good)
		}
		do(t, s.c, "value_get k;store_get k;user;room_size room", "kept", "kept", "me", "1")
		s.wantLoads("rolled_back", 1)
		text := s.log.String()
		if strings.Count(text, "plugin rolled back") != 1 || !strings.Contains(text, "version="+good+" was="+failing) {
			t.Errorf("one line about the rollback is not in the log:\n%s", text)
		}
		// Every reload refuses the failed version.
		for n := range 3 {
			reload(t, s.h, s.o)
			s.runs(1)
			s.wantLoads("refused", float64(n+1))
		}
		s.load(1) // the file has changed: nothing is refused
		s.load(2)
		s.runs(2)
		s.fail()
		s.becomes(1)
		s.load(3)
		s.runs(3)
		s.wantLoads("rolled_back", 2)
	})
}

// TestRollbackOfChangedRoute checks that the last good version is compiled for new settings, and that new settings do
// not load a refused version.
func TestRollbackOfChangedRoute(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.start()
		s.pass()
		s.o.Routes[0].Limits.Timers = 7
		s.load(2)
		s.fail()
		s.becomes(1)
		s.o.Routes[0].Limits.Timers = 8
		reload(t, s.h, s.o)
		s.runs(1)
		s.wantLoads("refused", 1)
		s.wantLoads("last_good", 1)
		if err := s.h.Lift("/c"); err != nil {
			t.Fatal(err)
		}
		reload(t, s.h, s.o)
		s.runs(2)
	})
}

// TestNoRollback checks versions that are not rolled back: the only one, one without a good version before it, one
// whose hooks return errors, and one that has passed its trial.
func TestNoRollback(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.start()
		s.fail()
		s.runs(1)
		s.load(2)
		s.fail()
		s.runs(2)
		s.load(3)
		for range 5 {
			do(t, s.c, "fail no luck", internalError)
		}
		s.pass()
		s.fail()
		s.runs(3)
		s.wantLoads("rolled_back", 0)
	})
}

// TestRollbackSkipsVersionsOnTrial checks that a rollback skips all versions on trial. It goes back to the last good
// one.
func TestRollbackSkipsVersionsOnTrial(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.start()
		s.pass()
		s.load(2)
		s.load(3)
		s.fail()
		s.becomes(1)
	})
}

// TestManualRollback checks that RollBack goes one version back, and that the replaced version is refused until Load is
// called.
func TestManualRollback(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
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
	reload(t, s.h, s.o) // the file still has the replaced version
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
	// RollBack of a version on trial goes back to the last good one.
	if change, err = s.h.RollBack(t.Context(), "/c"); err != nil || change.Version != v1 {
		t.Errorf("%+v, %v", change, err)
	}
	do(t, s.c, "send still here", "still here")
}

// TestManualRollbackAfterFailure checks that a version that has failed its trial stays refused after a manual rollback
// of the version that replaced it.
func TestManualRollbackAfterFailure(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
	s.start()
	s.pass()
	v1 := s.version()
	s.load(2)
	s.pass()
	s.load(3)
	bad := s.version()
	s.fail()
	s.becomes(2)
	if change, err := s.h.RollBack(t.Context(), "/c"); err != nil || change.Version != v1 {
		t.Fatalf("%+v, %v", change, err)
	}
	reload(t, s.h, s.o) // the file still has the failed version
	s.runs(1)
	if want := "version=" + bad + " runs=" + v1; !strings.Contains(s.log.String(), want) {
		t.Errorf("no %q in the log:\n%s", want, s.log.String())
	}
	s.load(2)
	s.runs(1)
	s.load(4) // a version that loads: nothing is refused
	s.load(2)
	s.runs(2)
}
