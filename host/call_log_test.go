package host

import (
	"context"
	"log/slog"
	"strings"
	"sync"
	"testing"
)

// lockedLog is a log that a test can read while it is written.
type lockedLog struct {
	mu sync.Mutex
	b  strings.Builder
}

func (l *lockedLog) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

// take returns the text of the log and empties it.
func (l *lockedLog) take() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.b.String()
	l.b.Reset()
	return s
}

// TestLogLines checks that log lines of a channel in Go are escaped, bounded in length and limited in rate, and that
// dropped lines are counted.
func TestLogLines(t *testing.T) {
	log := &lockedLog{}
	o := Options{Log: slog.New(slog.NewTextHandler(log, nil)), Routes: []Route{{Path: "/c", Channel: &Funcs{}}}}
	h, err := New(o)
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
	for next := ""; ; next = log.take() { // until the rate allows a line again
		if strings.Contains(next, "at last") {
			if !strings.Contains(next, "dropped_before=") {
				t.Errorf("the next line is %q", next)
			}
			return
		}
		k.Log(1, []byte("at last"))
	}
}
