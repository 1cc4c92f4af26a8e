package dev

import (
	"log/slog"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConsole(t *testing.T) {
	var out strings.Builder
	events := &Events{}
	log := slog.New(NewConsole(&out, slog.LevelInfo, false, events)).With("route", "/c")
	log.Debug("unseen")
	log.Warn("hook failed", "hook", "on_message", "plugin", "chat",
		"err", `on_message failed with -8: Error: x\x0a    at f (chat.ts:1)`)
	log.Info("listening", "address", ":1")
	got := out.String()
	for _, want := range []string{
		"chat on_message: hook failed: on_message failed with -8: Error: x\n", "at f (chat.ts:1)",
		"listening (address=:1 route=/c)",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
	if strings.Contains(got, "unseen") || len(events.kept) != 2 {
		t.Errorf("%d events, and\n%s", len(events.kept), got)
	}
}
