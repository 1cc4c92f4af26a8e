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

// hostLog is a slog.Handler that records what the host logs, as text without the
// quotes and escapes of a log format. It finds the failures of hooks.
type hostLog struct {
	*records
	attrs []slog.Attr
}

type records struct {
	line atomic.Int64 // of the script that is being played

	mu   sync.Mutex
	list []record
}

// record is a line of the log.
type record struct {
	text     string
	guest    bool   // the plugin has written it
	failure  string // why a hook failed; empty: none did
	line     int    // of the script that was being played
	expected bool   // a line of the script expects the failure
}

func newHostLog() *hostLog { return &hostLog{records: &records{}} }

// setLine sets the line of the script that is being played.
func (r *records) setLine(line int) { r.line.Store(int64(line)) }

// Enabled implements slog.Handler.
func (h *hostLog) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (h *hostLog) Handle(_ context.Context, r slog.Record) error {
	rec := record{line: int(h.line.Load())}
	var b strings.Builder
	fmt.Fprintf(&b, "%s %s", r.Level, unescape(r.Message))
	failed := strings.HasPrefix(r.Message, "hook failed") || strings.HasPrefix(r.Message, "plugin fault")
	attr := func(a slog.Attr) bool {
		fmt.Fprintf(&b, " %s=%s", a.Key, unescape(a.Value.String()))
		switch {
		case a.Key == "err" && failed:
			rec.failure = unescape(a.Value.String())
		case a.Key == "source" && a.Value.String() == "guest":
			rec.guest = true
		}
		return true
	}
	for _, a := range h.attrs {
		attr(a)
	}
	r.Attrs(attr)
	if failed && rec.failure == "" {
		rec.failure = r.Message
	}
	rec.text = b.String()
	h.mu.Lock()
	defer h.mu.Unlock()
	h.list = append(h.list, rec)
	return nil
}

// WithAttrs implements slog.Handler.
func (h *hostLog) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &hostLog{h.records, append(slices.Clip(h.attrs), attrs...)}
}

// WithGroup implements slog.Handler. The host logs no groups.
func (h *hostLog) WithGroup(string) slog.Handler { return h }

// unescape replaces the escapes that the host writes for line breaks and tabs.
func unescape(text string) string {
	return strings.NewReplacer(`\x0a`, "\n", `\x09`, "\t").Replace(text)
}

// contains reports whether a line of the log contains a text. A failure in such a
// line counts as expected.
func (r *records) contains(text string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	found := false
	for i := range r.list {
		if rec := &r.list[i]; strings.Contains(rec.text, text) {
			found, rec.expected = true, true
		}
	}
	return found
}

// expectFailures marks all failures so far as expected.
func (r *records) expectFailures() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i := range r.list {
		r.list[i].expected = true
	}
}

// unexpectedFailure returns the first failure that no line of the script expects.
func (r *records) unexpectedFailure() (line int, why string, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, rec := range r.list {
		if rec.failure != "" && !rec.expected {
			return rec.line, r.cause(i), true
		}
	}
	return 0, "", false
}

// lastFailure returns a note on the last hook that failed, for an error; empty if
// there is none.
func (r *records) lastFailure() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	for i, rec := range slices.Backward(r.list) {
		if rec.failure != "" {
			return "\n  the last hook that failed: " + indentNext(r.cause(i))
		}
	}
	return ""
}

// causeLines is how many lines of the plugin before a failure belong to its cause.
const causeLines = 5

// cause returns the failure in a record, preceded by what the plugin wrote just
// before, such as the message and the stack of a panic. mu is held.
func (r *records) cause(i int) string {
	first := i
	for first > 0 && i-first < causeLines && r.list[first-1].guest {
		first--
	}
	var lines []string
	for _, rec := range r.list[first:i] {
		lines = append(lines, rec.text)
	}
	return strings.Join(append(lines, r.list[i].failure), "\n")
}

// String returns the whole log.
func (r *records) String() string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var lines []string
	for _, rec := range r.list {
		lines = append(lines, rec.text)
	}
	return strings.Join(lines, "\n")
}

// indentNext indents all lines but the first.
func indentNext(text string) string { return strings.ReplaceAll(text, "\n", "\n  ") }
