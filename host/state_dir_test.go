package host_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestStateOutlivesProcess checks that a host whose plugin does not load runs the last good version of the process
// before it, and logs that.
func TestStateOutlivesProcess(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.o.StateDir = filepath.Join(t.TempDir(), "state")
		s.start()
		s.pass()
		s.load(2) // on trial when the host is closed
		_ = s.c.CloseNow()
		stop(t, s.h)
		kept, err := os.ReadDir(s.o.StateDir)
		if err != nil || len(kept) != 1 {
			t.Fatalf("%v %v", kept, err)
		}
		if fi, err := os.Stat(s.o.StateDir); err != nil || fi.Mode().Perm() != 0o700 {
			t.Errorf("%v %v", fi.Mode(), err)
		}
		for name, change := range map[string]func() error{
			"garbage": func() error { return os.WriteFile(s.file, []byte("no module"), 0o600) },
			"gone":    func() error { return os.Remove(s.file) },
		} {
			t.Run(name, func(t *testing.T) {
				if err := change(); err != nil {
					t.Fatal(err)
				}
				s.t = t
				s.start()
				s.runs(1)
				s.wantLoads("last_good", 1)
				if !strings.Contains(s.log.String(), "the last good version runs") {
					t.Error("the last good version is not logged")
				}
				// Check ignores the last good version.
				if err := host.Check(t.Context(), s.o); err == nil {
					t.Error("Check returns no error")
				}
			})
		}
		// If a new version loads and fails its trial, the last good version of the process before runs again.
		s.t = t
		write(t, s.file, version(t, 2))
		s.start()
		s.runs(2)
		s.fail()
		s.becomes(1)
	})
}

// TestStateDir checks that a reload removes the files of removed routes and no others, and that a host whose folder is
// unusable serves.
func TestStateDir(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
	s.o.StateDir = t.TempDir()
	foreign := filepath.Join(s.o.StateDir, "notes.txt")
	write(t, foreign, nil)
	s.start()
	s.pass()
	count := func() int {
		entries, err := os.ReadDir(s.o.StateDir)
		if err != nil {
			t.Fatal(err)
		}
		return len(entries)
	}
	if n := count(); n != 2 {
		t.Errorf("%d files", n)
	}
	o := s.o
	o.Routes = []host.Route{echoRoute()}
	reload(t, s.h, o)
	if _, err := os.Stat(foreign); err != nil || count() != 1 {
		t.Errorf("%d files: %v", count(), err)
	}
	o.StateDir = foreign
	o.Routes = s.o.Routes
	h, url := serve(t, o)
	do(t, dial(t, url+"/c"), "version", "version-1")
	if !strings.Contains(s.log.String(), "state directory") || len(h.Routes()) != 1 {
		t.Error("the unusable folder is not logged")
	}
}
