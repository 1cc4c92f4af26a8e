package scenario

import (
	"context"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
)

// journal keeps what the host logs, as people read it: without the quotes and escapes
// of a log's format. It is a slog.Handler.
type journal struct {
	shared *entries
	attrs  []slog.Attr
}

type entries struct {
	line atomic.Int64 // of the script, that is played

	mu   sync.Mutex
	list []entry
}

// entry is one line of the log.
type entry struct {
	text   string
	guest  bool   // the plugin has written it
	failed string // why a hook failed; empty: none did
	at     int    // the line of the script
	seen   bool   // a line of the script is about the failure
}

func newJournal() *journal { return &journal{shared: &entries{}} }

// at says which line of the script is played.
func (j *journal) at(line int) { j.shared.line.Store(int64(line)) }

// Enabled implements slog.Handler.
func (j *journal) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (j *journal) Handle(_ context.Context, r slog.Record) error {
	e := entry{at: int(j.shared.line.Load())}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Level, plain(r.Message))
	failed := strings.HasPrefix(r.Message, "hook failed") || strings.HasPrefix(r.Message, "plugin fault")
	attr := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%s", a.Key, plain(a.Value.String()))
		switch {
		case a.Key == "err" && failed:
			e.failed = plain(a.Value.String())
		case a.Key == "source" && a.Value.String() == "guest":
			e.guest = true
		}
		return true
	}
	for _, a := range j.attrs {
		attr(a)
	}
	r.Attrs(attr)
	if failed && e.failed == "" {
		e.failed = r.Message
	}
	e.text = b.String()
	j.shared.mu.Lock()
	defer j.shared.mu.Unlock()
	j.shared.list = append(j.shared.list, e)
	return nil
}

// WithAttrs implements slog.Handler.
func (j *journal) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &journal{j.shared, append(slices.Clip(j.attrs), attrs...)}
}

// WithGroup implements slog.Handler. The host has no groups.
func (j *journal) WithGroup(string) slog.Handler { return j }

// plain has line breaks and tabs in the place of the escapes that the host gives them.
func plain(text string) string {
	return strings.NewReplacer(`\x0a`, "\n", `\x09`, "\t").Replace(text)
}

// has says whether a line has a text, and is about the failure in it then.
func (j *journal) has(text string) bool {
	j.shared.mu.Lock()
	defer j.shared.mu.Unlock()
	found := false
	for i := range j.shared.list {
		if e := &j.shared.list[i]; strings.Contains(e.text, text) {
			found, e.seen = true, true
		}
	}
	return found
}

// expected says that a line of the script is about the failures so far.
func (j *journal) expected() {
	j.shared.mu.Lock()
	defer j.shared.mu.Unlock()
	for i := range j.shared.list {
		j.shared.list[i].seen = true
	}
}

// unexpected is the first failure that no line of the script is about.
func (j *journal) unexpected() (at int, why string, ok bool) {
	j.shared.mu.Lock()
	defer j.shared.mu.Unlock()
	for i, e := range j.shared.list {
		if e.failed != "" && !e.seen {
			return e.at, j.shared.why(i), true
		}
	}
	return 0, "", false
}

// lastFailure says why a hook has failed last, for errors.
func (j *journal) lastFailure() string {
	j.shared.mu.Lock()
	defer j.shared.mu.Unlock()
	for i, e := range slices.Backward(j.shared.list) {
		if e.failed != "" {
			return "\n  the last hook that failed: " + nested(j.shared.why(i))
		}
	}
	return ""
}

// why is the cause of the i-th entry's failure, with what the plugin wrote just before: a
// panic has its text and its place there. mu is held.
func (e *entries) why(i int) string {
	first := i
	for first > 0 && i-first < 5 && e.list[first-1].guest {
		first--
	}
	var lines []string
	for _, said := range e.list[first:i] {
		lines = append(lines, said.text)
	}
	return strings.Join(append(lines, e.list[i].failed), "\n")
}

func (j *journal) String() string {
	j.shared.mu.Lock()
	defer j.shared.mu.Unlock()
	var lines []string
	for _, e := range j.shared.list {
		lines = append(lines, e.text)
	}
	return strings.Join(lines, "\n")
}

func nested(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }
