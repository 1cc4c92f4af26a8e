package rollout

import (
	"bytes"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestState checks that a folder keeps the last version of each route and plugin, and that too large files are logged
// and ignored.
func TestState(t *testing.T) {
	var log bytes.Buffer
	dir := filepath.Join(t.TempDir(), "state")
	s := OpenState(dir, slog.New(slog.NewTextHandler(&log, nil)))
	a, b := Key{"/a", "p"}, Key{"/b", "p"}
	if _, ok := s.Read(a, 100); ok {
		t.Error("an empty folder has a version")
	}
	s.Write(a, versionNamed("1"))
	s.Write(a, versionNamed("22"))
	s.Write(b, versionNamed("b"))
	again := OpenState(dir, slog.New(slog.NewTextHandler(&log, nil)))
	if m, ok := again.Read(a, 2); !ok || m.sum != versionNamed("22").sum {
		t.Errorf("%v %v", m, ok)
	}
	if _, ok := s.Read(Key{"/a", "q"}, 100); ok {
		t.Error("another plugin has the version of this one")
	}
	if log.Len() > 0 {
		t.Error(log.String())
	}
	if _, ok := s.Read(a, 1); ok || !bytes.Contains(log.Bytes(), []byte("too large")) {
		t.Errorf("a version over the limit: %v, %s", ok, &log)
	}
}

// TestPrune checks that Prune removes versions of other routes and abandoned temporary files, and no other files.
func TestPrune(t *testing.T) {
	dir := t.TempDir()
	s := OpenState(dir, slog.New(slog.DiscardHandler))
	keep, drop := Key{"/keep", "p"}, Key{"/drop", "p"}
	s.Write(keep, versionNamed("keep"))
	s.Write(drop, versionNamed("drop"))
	create := func(name string, age time.Duration) {
		t.Helper()
		file := filepath.Join(dir, name)
		if err := os.WriteFile(file, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(file, time.Time{}, time.Now().Add(-age)); err != nil {
			t.Fatal(err)
		}
	}
	young, old := keep.file()+tempMark+"1", keep.file()+tempMark+"2"
	create(young, 0)
	create(old, 2*abandonedAfter)
	create("plugin.wasm", 2*abandonedAfter)
	create("notes.txt", 2*abandonedAfter)
	s.Prune([]Key{keep})
	want := map[string]bool{keep.file(): true, young: true, "plugin.wasm": true, "notes.txt": true}
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !want[e.Name()] {
			t.Errorf("%s stays", e.Name())
		}
		delete(want, e.Name())
	}
	for name := range want {
		t.Errorf("%s is gone", name)
	}
}

// TestNoState checks that nothing is stored without a folder, or in one that cannot be used. The latter is logged once.
func TestNoState(t *testing.T) {
	var log bytes.Buffer
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for dir, lines := range map[string]int{"": 0, file: 1} {
		log.Reset()
		s := OpenState(dir, slog.New(slog.NewTextHandler(&log, nil)))
		k := Key{"/a", "p"}
		s.Write(k, versionNamed("a"))
		s.Prune(nil)
		if _, ok := s.Read(k, 100); ok {
			t.Errorf("%q: a version is stored", dir)
		}
		if n := bytes.Count(log.Bytes(), []byte("\n")); n != lines {
			t.Errorf("%q: %d lines are logged: %s", dir, n, &log)
		}
	}
}
