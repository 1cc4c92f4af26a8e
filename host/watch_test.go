package host_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestWatchRefusesRolledBackVersion checks that a version that was rolled back is not loaded when its file is written
// again with the same content.
func TestWatchRefusesRolledBackVersion(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.o.Watch = true
		s.start()
		s.pass()
		replace(t, s.file, version(t, 2))
		s.becomes(2)
		s.fail()
		s.becomes(1)
		replace(t, s.file, version(t, 2))
		reload(t, s.h, s.o) // starts a watcher, which checks every file
		replace(t, s.file, version(t, 2))
		s.runs(1)
		replace(t, s.file, version(t, 3))
		s.becomes(3)
		s.waitForLog("version=" + s.version()) // the version answers before the load is logged
	})
}

// TestWatchFileChanges checks which version runs after the file was deleted, written twice, reloaded several times at
// once, and replaced by a pipe.
func TestWatchFileChanges(t *testing.T) {
	onModes(t, func(t *testing.T, s *trialHost) {
		s.o.Watch = true
		s.start()
		s.pass()
		// New instances do not need the file.
		if err := os.Remove(s.file); err != nil {
			t.Fatal(err)
		}
		do(t, s.c, "trap", internalError)
		s.runs(1)
		if err := s.h.Reload(testContext(t), s.o); err != nil {
			t.Error(err)
		}
		s.runs(1)
		// Of two versions within milliseconds the last one stays.
		write(t, s.file, version(t, 2))
		replace(t, s.file, version(t, 3))
		s.becomes(3)
		// Reloads at the same time load the version once.
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
		n := metric(t, s.h, `azuhost_plugin_loads_total{plugin="p",result="loaded",route="/c"}`)
		if n != 3 && n != 4 { // versions 1, 3, 4, and perhaps 2
			t.Errorf("%v loads", n)
		}
		// A named pipe is refused, and does not block.
		s.replaceByPipe()
		s.runs(4)
	})
}

// TestWatchLinks checks that the versions of a mounted ConfigMap are loaded, and that a link that leaves the folder is
// refused unless it is the configured path itself.
func TestWatchLinks(t *testing.T) {
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
	setData := func(to string) {
		t.Helper()
		must(os.Symlink(to, data+"_tmp"))
		must(os.Rename(data+"_tmp", data))
	}
	setData("..v1")
	must(os.Symlink(filepath.Join("..data", "p.wasm"), s.file))
	s.start()
	s.runs(1)
	setData("..v2")
	s.becomes(2)
	// Here ..data leaves the folder.
	outside := t.TempDir()
	write(t, filepath.Join(outside, "p.wasm"), version(t, 3))
	setData(outside)
	s.waitForLog("leaves its folder")
	s.runs(2)
	// The configured path itself may be a link to anywhere.
	must(os.Remove(s.file))
	must(os.Symlink(filepath.Join(outside, "p.wasm"), s.file))
	s.becomes(3)
	// If the path leads to a folder or to a missing file, the current version continues to run.
	must(os.Remove(s.file))
	must(os.Symlink(outside, s.file))
	s.waitForLog("not a file")
	must(os.Remove(s.file))
	must(os.Symlink("nowhere", s.file))
	reload(t, s.h, s.o)
	s.runs(3)
}

// TestWatchWithoutEvents checks that a change is found that causes no event in the folder of the path.
func TestWatchWithoutEvents(t *testing.T) {
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
	for name, test := range map[string]func(s *trialHost, dir string){
		"the file behind a link": func(s *trialHost, dir string) {
			one := release(filepath.Join(dir, "r1"), 1)
			s.file = filepath.Join(dir, "etc", "p.wasm")
			must(os.Mkdir(filepath.Dir(s.file), 0o700))
			must(os.Symlink(filepath.Join(one, "p.wasm"), s.file))
			s.watch()
			replace(t, filepath.Join(one, "p.wasm"), version(t, 2))
		},
		"the folder's link": func(s *trialHost, dir string) {
			one, two := release(filepath.Join(dir, "r1"), 1), release(filepath.Join(dir, "r2"), 2)
			current := filepath.Join(dir, "current")
			must(os.Symlink(one, current))
			s.file = filepath.Join(current, "p.wasm")
			s.watch()
			must(os.Symlink(two, current+".new"))
			must(os.Rename(current+".new", current))
		},
		"the folder": func(s *trialHost, dir string) {
			live, next := release(filepath.Join(dir, "live"), 1), release(filepath.Join(dir, "next"), 2)
			s.file = filepath.Join(live, "p.wasm")
			s.watch()
			must(os.Rename(live, filepath.Join(dir, "old")))
			must(os.Rename(next, live))
			s.becomes(2)
			replace(t, s.file, version(t, 3)) // the new folder is watched
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
