package dev

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/toolchain"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// TestWaitsForSources: a change of a source ends Wait, and what is no source
// (our own log may be in the folder) does not.
func TestWaitsForSources(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "a.ts")
	write(t, file)
	var out strings.Builder
	console := NewConsole(&out, slog.LevelInfo, false, &Events{})
	b, err := NewBuilder([]*Project{{Path: file, Out: filepath.Join(dir, "a.wasm"), Name: "a"}}, toolchain.Options{}, console)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	for _, name := range []string{"dev.log", "a.wasm", ".a.ts.swp", "a.ts~", "notes.md"} {
		write(t, filepath.Join(dir, name))
	}
	ctx, cancel := context.WithTimeout(t.Context(), 3*settle)
	defer cancel()
	if err := b.Wait(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("files that are no sources ended the wait: %v", err)
	}
	write(t, filepath.Join(dir, "b.ts"))
	ctx, cancel = context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := b.Wait(ctx); err != nil {
		t.Errorf("a source did not end the wait: %v", err)
	}
}

func write(t *testing.T, file string) {
	t.Helper()
	if err := os.WriteFile(file, []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestConsole(t *testing.T) {
	var out strings.Builder
	events := &Events{}
	log := slog.New(NewConsole(&out, slog.LevelInfo, false, events)).With("route", "/c")
	log.Debug("unseen")
	log.Warn("hook failed", "hook", "on_message", "plugin", "chat", "err", `on_message failed with -8: Error: x\x0a    at f (chat.ts:1)`)
	log.Info("listening", "address", ":1")
	got := out.String()
	for _, want := range []string{"chat on_message: hook failed: on_message failed with -8: Error: x\n", "at f (chat.ts:1)", "listening (address=:1 route=/c)"} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "unseen") || len(events.kept) != 2 {
		t.Errorf("%d events, and\n%s", len(events.kept), got)
	}
}

// TestEventsSlowReader: a page that does not read is told what it missed, and
// holds nobody up.
func TestEventsSlowReader(t *testing.T) {
	var e Events
	r, _ := e.enter()
	for range waitingEvents + 10 {
		e.Add(Event{Text: "x"})
	}
	for range waitingEvents {
		<-r.next
	}
	e.Add(Event{Text: "y"})
	if ev := <-r.next; !strings.HasPrefix(ev.Text, "10 lines were dropped") {
		t.Errorf("got %q", ev.Text)
	}
	if ev := <-r.next; ev.Text != "y" {
		t.Errorf("got %q", ev.Text)
	}
	if len(e.kept) != keptEvents {
		t.Errorf("%d are kept", len(e.kept))
	}
	e.Close()
	if _, ok := <-r.next; ok {
		t.Error("the reader goes on after the end")
	}
}
