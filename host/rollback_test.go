package host_test

import (
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
)

const trialHooks = 20

// trial is a host with one plugin, whose file a test changes.
type trial struct {
	t    *testing.T
	file string
	o    host.Options
	log  *logBuffer
	h    *host.Host
	url  string
	c    *websocket.Conn
}

func newTrialHost(t *testing.T, mode host.Instances, n int) *trial {
	t.Helper()
	s := &trial{t: t, file: filepath.Join(t.TempDir(), "p.wasm"), log: &logBuffer{}}
	write(t, s.file, version(t, n))
	s.o = host.Options{Log: slog.New(slog.NewTextHandler(s.log, nil)), Routes: []host.Route{
		{Path: "/c", Plugin: s.file, Instances: mode, Limits: host.Limits{Deadline: patient}},
	}}
	return s
}

func (s *trial) start() {
	s.t.Helper()
	s.h, s.url = serve(s.t, s.o)
	s.c = dial(s.t, s.url+"/c")
}

// load has the host read another version.
func (s *trial) load(n int) {
	s.t.Helper()
	replace(s.t, s.file, version(s.t, n))
	reload(s.t, s.h, s.o)
}

// pass has the version that runs pass its trial.
func (s *trial) pass() {
	s.t.Helper()
	for range trialHooks {
		do(s.t, s.c, "s x", "x")
	}
	runs := s.h.Routes()[0].Version
	eventually(s.t, "the trial's end", func() bool {
		return strings.Contains(s.log.String(), `"plugin version is good" route=/c plugin=p version=`+runs)
	})
}

func (s *trial) fail() {
	s.t.Helper()
	for range 3 {
		do(s.t, s.c, "!", internalError)
	}
}

func (s *trial) runs(n int) {
	s.t.Helper()
	do(s.t, s.c, "z", fmt.Sprintf("version-%d", n))
}

// becomes waits for a version.
func (s *trial) becomes(n int) {
	s.t.Helper()
	eventually(s.t, fmt.Sprintf("version %d", n), func() bool {
		send(s.t, s.c, "z")
		_, b, err := s.c.Read(testContext(s.t))
		return err == nil && string(b) == fmt.Sprintf("version-%d", n)
	})
}

func (s *trial) loads(result string, n float64) {
	s.t.Helper()
	wantMetric(s.t, s.h, `azuhost_plugin_loads_total{plugin="p",result="`+result+`",route="/c"}`, n)
}

func onModes(t *testing.T, test func(t *testing.T, s *trial)) {
	for _, mode := range []host.Instances{host.Single, host.Pool} {
		t.Run(string(mode), func(t *testing.T) {
			s := newTrialHost(t, mode, 1)
			s.o.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
			test(t, s)
		})
	}
}

// TestRollBack: a version that fails at once is gone within a second, the
// connections stay, and it comes back only with another file.
func TestRollBack(t *testing.T) {
	onModes(t, func(t *testing.T, s *trial) {
		s.start()
		do(t, s.c, "j room;i me;v k|kept;S k|kept")
		s.pass()
		good := s.h.Routes()[0].Version
		s.load(2)
		s.runs(2)
		begun := time.Now()
		s.fail()
		s.becomes(1)
		if took := time.Since(begun); took > time.Second {
			t.Errorf("it took %v", took)
		}
		if v := s.h.Routes()[0].Version; v != good {
			t.Errorf("%s runs, and %s was good", v, good)
		}
		do(t, s.c, "g k;G k;u;n room", "kept", "kept", "me", "1")
		s.loads("rolled_back", 1)
		if text := s.log.String(); strings.Count(text, "plugin rolled back") != 1 || !strings.Contains(text, "to="+good) {
			t.Errorf("the log says nothing of it:\n%s", text)
		}
		// Not again, however often it is read.
		for n := range 3 {
			reload(t, s.h, s.o)
			s.runs(1)
			s.loads("refused", float64(n+1))
		}
		s.load(1) // as it was, and then the bad one: the file has changed
		s.load(2)
		s.runs(2)
		s.fail()
		s.becomes(1)
		s.load(3)
		s.runs(3)
		s.loads("rolled_back", 2)
	})
}

// TestRollBackOfAChangedRoute: the version before has to be compiled for the
// new settings, and a refused one is not what they start with.
func TestRollBackOfAChangedRoute(t *testing.T) {
	onModes(t, func(t *testing.T, s *trial) {
		s.start()
		s.pass()
		s.o.Routes[0].Limits.Timers = 7
		s.load(2)
		s.fail()
		s.becomes(1)
		s.o.Routes[0].Limits.Timers = 8
		reload(t, s.h, s.o)
		s.runs(1)
		s.loads("refused", 1)
		s.loads("last_good", 1)
		if err := s.h.Lift("/c"); err != nil {
			t.Fatal(err)
		}
		reload(t, s.h, s.o) // tried again
		s.runs(2)
	})
}

// TestNoRollBack: of a version that has passed, of the only one, and of one
// whose hooks return errors.
func TestNoRollBack(t *testing.T) {
	onModes(t, func(t *testing.T, s *trial) {
		s.start()
		s.fail() // the only one
		s.runs(1)
		s.load(2)
		s.fail() // nothing before it was good
		s.runs(2)
		s.load(3)
		for range 5 {
			do(t, s.c, "f", internalError)
		}
		s.pass()
		s.fail()
		s.runs(3)
		s.loads("rolled_back", -1)
	})
}

// TestRollBackToTheLastGood has a bad version come upon one that is on trial:
// the one before both comes back.
func TestRollBackToTheLastGood(t *testing.T) {
	onModes(t, func(t *testing.T, s *trial) {
		s.start()
		s.pass()
		s.load(2)
		s.load(3)
		s.fail()
		s.becomes(1)
	})
}

// TestWatcherLeavesOutWhatWasRolledBack changes the file without a change of
// what is in it.
func TestWatcherLeavesOutWhatWasRolledBack(t *testing.T) {
	onModes(t, func(t *testing.T, s *trial) {
		s.o.Watch = true
		s.start()
		s.pass()
		replace(t, s.file, version(t, 2))
		s.becomes(2)
		s.fail()
		s.becomes(1)
		replace(t, s.file, version(t, 2))
		reload(t, s.h, s.o) // a new watcher, which looks at everything
		replace(t, s.file, version(t, 2))
		s.runs(1)
		replace(t, s.file, version(t, 3))
		s.becomes(3)
		// It answers a moment before it is logged.
		eventually(t, "the new version in the log", func() bool {
			return strings.Contains(s.log.String(), "version="+s.h.Routes()[0].Version)
		})
	})
}

// TestFileTricks: whatever happens to the file, the running version stays right.
func TestFileTricks(t *testing.T) {
	onModes(t, func(t *testing.T, s *trial) {
		s.o.Watch = true
		s.start()
		s.pass()
		// Gone while it runs: new instances, too, need no file.
		if err := os.Remove(s.file); err != nil {
			t.Fatal(err)
		}
		do(t, s.c, "!", internalError)
		s.runs(1)
		if err := s.h.Reload(testContext(t), s.o); err != nil {
			t.Error(err)
		}
		s.runs(1)
		// Two versions within milliseconds: the last one holds.
		write(t, s.file, version(t, 2))
		replace(t, s.file, version(t, 3))
		s.becomes(3)
		// A reload in the middle of a reload.
		replace(t, s.file, version(t, 4))
		errs := make(chan error, 8)
		for range cap(errs) {
			go func() { errs <- s.h.Reload(testContext(t), s.o) }()
		}
		for range cap(errs) {
			if err := receive(t, errs); err != nil {
				t.Error(err)
			}
		}
		s.runs(4)
		if n := metric(t, s.h, `azuhost_plugin_loads_total{plugin="p",result="loaded",route="/c"}`); n != 3 && n != 4 { // 1, perhaps 2, 3, 4
			t.Errorf("%v loads", n)
		}
		// A pipe is no plugin, and waits for nobody.
		s.pipe()
		s.runs(4)
	})
}

// TestLinks: a mounted ConfigMap works, a link out of the folder does not.
func TestLinks(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
	s.o.Watch = true
	dir := filepath.Dir(s.file)
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	must(os.Remove(s.file))
	for n := 1; n <= 2; n++ {
		must(os.Mkdir(filepath.Join(dir, fmt.Sprint("..v", n)), 0o700))
		write(t, filepath.Join(dir, fmt.Sprint("..v", n), "p.wasm"), version(t, n))
	}
	data := filepath.Join(dir, "..data")
	swing := func(to string) {
		t.Helper()
		must(os.Symlink(to, data+"_tmp"))
		must(os.Rename(data+"_tmp", data))
	}
	swing("..v1")
	must(os.Symlink(filepath.Join("..data", "p.wasm"), s.file))
	s.start()
	s.runs(1)
	swing("..v2")
	s.becomes(2)
	// Now ..data leads out of the folder.
	outside := t.TempDir()
	write(t, filepath.Join(outside, "p.wasm"), version(t, 3))
	swing(outside)
	eventually(t, "a line in the log", func() bool { return strings.Contains(s.log.String(), "leaves its folder") })
	s.runs(2)
	// The configured path itself may be a link to anywhere.
	must(os.Remove(s.file))
	must(os.Symlink(filepath.Join(outside, "p.wasm"), s.file))
	s.becomes(3)
	// A link to a folder, and one to nothing.
	must(os.Remove(s.file))
	must(os.Symlink(outside, s.file))
	eventually(t, "a line in the log", func() bool { return strings.Contains(s.log.String(), "not a file") })
	must(os.Remove(s.file))
	must(os.Symlink("nowhere", s.file))
	reload(t, s.h, s.o)
	s.runs(3)
}

// TestFarFromItsFolder: a file changes without an event in the folder of its path.
func TestFarFromItsFolder(t *testing.T) {
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	release := func(dir string, n int) string {
		must(os.MkdirAll(dir, 0o700))
		write(t, filepath.Join(dir, "p.wasm"), version(t, n))
		return dir
	}
	for name, test := range map[string]func(s *trial, dir string){
		"the file behind a link": func(s *trial, dir string) {
			one := release(filepath.Join(dir, "r1"), 1)
			s.file = filepath.Join(dir, "etc", "p.wasm")
			must(os.Mkdir(filepath.Dir(s.file), 0o700))
			must(os.Symlink(filepath.Join(one, "p.wasm"), s.file))
			s.watch()
			replace(t, filepath.Join(one, "p.wasm"), version(t, 2))
		},
		"the folder's link": func(s *trial, dir string) {
			one, two, current := release(filepath.Join(dir, "r1"), 1), release(filepath.Join(dir, "r2"), 2), filepath.Join(dir, "current")
			must(os.Symlink(one, current))
			s.file = filepath.Join(current, "p.wasm")
			s.watch()
			must(os.Symlink(two, current+".new"))
			must(os.Rename(current+".new", current))
		},
		"the folder": func(s *trial, dir string) {
			live, next := release(filepath.Join(dir, "live"), 1), release(filepath.Join(dir, "next"), 2)
			s.file = filepath.Join(live, "p.wasm")
			s.watch()
			must(os.Rename(live, filepath.Join(dir, "old")))
			must(os.Rename(next, live))
			s.becomes(2)
			replace(t, s.file, version(t, 3)) // in a folder that is watched now
			s.becomes(3)
			replace(t, s.file, version(t, 2))
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := newTrialHost(t, host.Single, 1)
			test(s, t.TempDir())
			s.becomes(2)
		})
	}
}

// watch starts the host with the file as it is now, and a watcher.
func (s *trial) watch() {
	s.t.Helper()
	s.o.Watch, s.o.Routes[0].Plugin = true, s.file
	s.start()
	s.runs(1)
}

// TestLastGoodOutlivesTheProcess: a host that starts with a bad file runs the
// version that was good, and says so.
func TestLastGoodOutlivesTheProcess(t *testing.T) {
	onModes(t, func(t *testing.T, s *trial) {
		s.o.StateDir = filepath.Join(t.TempDir(), "state")
		s.start()
		s.pass()
		s.load(2) // on trial when the host ends: not good yet
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
				s.loads("last_good", 1)
				if !strings.Contains(s.log.String(), "the last good version runs") {
					t.Error("nobody was told")
				}
				// Check is about the files that are configured.
				if err := host.Check(t.Context(), s.o); err == nil {
					t.Error("Check finds nothing wrong")
				}
			})
		}
		// A version that loads and fails: the one from before the start comes back.
		s.t = t
		write(t, s.file, version(t, 2))
		s.start()
		s.runs(2)
		s.fail()
		s.becomes(1)
	})
}

// TestStateFolder: files of routes that are gone go, others stay, and a folder
// that cannot be used is no reason not to serve.
func TestStateFolder(t *testing.T) {
	s := newTrialHost(t, host.Single, 1)
	s.o.Log = slog.New(slog.NewTextHandler(s.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.o.StateDir = t.TempDir()
	mine := filepath.Join(s.o.StateDir, "notes.txt")
	write(t, mine, nil)
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
	if _, err := os.Stat(mine); err != nil || count() != 1 {
		t.Errorf("%d files: %v", count(), err)
	}
	o.StateDir = mine
	o.Routes = s.o.Routes
	h, url := serve(t, o)
	do(t, dial(t, url+"/c"), "z", "version-1")
	if !strings.Contains(s.log.String(), "state directory") || len(h.Routes()) != 1 {
		t.Error("nobody was told")
	}
}
