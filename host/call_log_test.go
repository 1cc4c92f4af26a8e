package host

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// lockedLog is a log that a test reads while it is written.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	l.b.Reset()
	return s
}

// TestGuestLines of a channel in Go are bounded and escaped as those of plugins.
func TestGuestLines(t *testing.T) {
	log := &lockedLog{}
	h, err := New(Options{Log: slog.New(slog.NewTextHandler(log, nil)), Routes: []Route{{Path: "/c", Channel: &Funcs{}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	rt := h.runtime("/c")
	k := &call{rt: rt, set: rt.settings.Load()}
	k.Log(2, []byte("\x1b[31mred\nnext"+strings.Repeat("x", 5000)))
	line := log.take()
	if !strings.Contains(line, `\x1b[31mred\x0anext`) || strings.Count(line, "\n") != 1 || len(line) > 1500 {
		t.Errorf("%d bytes: %.200q", len(line), line)
	}
	for range 1000 {
		k.Log(1, []byte("flood"))
	}
	if n := strings.Count(log.take(), "flood"); n < 100 || n > 500 {
		t.Errorf("%d of 1000 lines are logged", n)
	}
	mfs, err := h.registry.Gather()
	if err != nil {
		t.Fatal(err)
	}
	dropped := 0.0
	for _, mf := range mfs {
		if mf.GetName() == "azuhost_plugin_log_lines_dropped_total" {
			dropped = mf.GetMetric()[0].GetCounter().GetValue()
		}
	}
	if dropped < 500 || dropped > 900 {
		t.Errorf("%v lines are counted as dropped", dropped)
	}
	for next := ""; ; next = log.take() { // when there is room again
		if strings.Contains(next, "at last") {
			if !strings.Contains(next, "dropped_before=") {
				t.Errorf("the next line is %q", next)
			}
			return
		}
		k.Log(1, []byte("at last"))
	}
}
