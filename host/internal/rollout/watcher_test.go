package rollout

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// TestWatcher checks that the first content of a file and each change of it are reported once to everyone who watches
// it.
func TestWatcher(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.wasm")
	write := func(content string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("1")
	reports := make(chan string, 100)
	watch := func(name string) File {
		return File{Path: file, Limit: 100, Changed: func(context.Context) {
			m, err := readModule(file, 100)
			if err != nil {
				t.Error(err)
			}
			reports <- name + string(m.wasm)
		}}
	}
	w, err := NewWatcher(slog.New(slog.DiscardHandler), []File{watch("a"), watch("b")})
	if err != nil {
		t.Fatal(err)
	}
	w.Start()
	defer w.Close()
	want := func(list ...string) {
		t.Helper()
		for _, s := range list {
			select {
			case got := <-reports:
				if got != s {
					t.Fatalf("report %q, want %q", got, s)
				}
			case <-time.After(10 * time.Second):
				t.Fatalf("no report %q", s)
			}
		}
	}
	want("a1", "b1")
	write("2")
	want("a2", "b2")
	// Neither the same content nor a deletion is reported.
	write("2")
	if err := os.Remove(file); err != nil {
		t.Fatal(err)
	}
	time.Sleep(3 * settleTime)
	write("2")
	time.Sleep(3 * settleTime)
	write("3")
	want("a3", "b3")
	w.Close()
	write("4")
	time.Sleep(3 * settleTime)
	if len(reports) > 0 {
		t.Errorf("report %q after Close", <-reports)
	}
}

// TestWatcherCloseCancels checks that Close ends the context of a callback that runs, and waits for the callback.
func TestWatcherCloseCancels(t *testing.T) {
	file := filepath.Join(t.TempDir(), "p.wasm")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	begun, ended := make(chan struct{}), false
	w, err := NewWatcher(slog.New(slog.DiscardHandler), []File{{Path: file, Changed: func(ctx context.Context) {
		close(begun)
		<-ctx.Done()
		ended = true
	}}})
	if err != nil {
		t.Fatal(err)
	}
	w.Start()
	<-begun
	w.Close()
	if !ended {
		t.Error("Close has not waited")
	}
}

// TestWatcherMissingFolder checks that NewWatcher returns an error if the folder of a file does not exist.
func TestWatcherMissingFolder(t *testing.T) {
	file := File{Path: filepath.Join(t.TempDir(), "missing", "p.wasm")}
	if w, err := NewWatcher(slog.New(slog.DiscardHandler), []File{file}); err == nil {
		w.Close()
		t.Error("no error")
	}
}
