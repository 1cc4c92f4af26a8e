package hostile

import (
	"context"
	"log/slog"
	"strings"
	"sync/atomic"
	"unicode"
)

const (
	maxMessage = 8 << 10 // of a log line, in bytes
	maxAttr    = 9 << 10 // a fault has 8 KiB and its reason
)

// logCounter is a slog.Handler that counts lines, and those that a guest must not be able to write.
type logCounter struct {
	lines   atomic.Int64
	unclean atomic.Int64 // too long, or with control characters
}

// Enabled implements slog.Handler.
func (*logCounter) Enabled(context.Context, slog.Level) bool { return true }

// Handle implements slog.Handler.
func (l *logCounter) Handle(_ context.Context, r slog.Record) error {
	l.lines.Add(1)
	r.Attrs(func(a slog.Attr) bool {
		if len(a.Value.String()) > maxAttr {
			l.unclean.Add(1)
		}
		return true
	})
	control := func(c rune) bool { return unicode.IsControl(c) && c != '\t' }
	if len(r.Message) > maxMessage || strings.ContainsFunc(r.Message, control) {
		l.unclean.Add(1)
	}
	return nil
}

// WithAttrs implements slog.Handler.
func (l *logCounter) WithAttrs([]slog.Attr) slog.Handler { return l }

// WithGroup implements slog.Handler.
func (l *logCounter) WithGroup(string) slog.Handler { return l }
