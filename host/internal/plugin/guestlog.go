package plugin

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math"
	"sync/atomic"
	"unicode"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"golang.org/x/time/rate"
)

const (
	maxGuestLine  = 1 << 10 // bytes of a line as it is logged
	maxGuestRate  = 100     // lines in a second, of all instances
	maxGuestBurst = 200     // lines at once, after a time with fewer
)

// GuestLog takes the lines that guests write: control characters are escaped,
// a line has 1 KiB at most, and there are 100 in a second (200 at once). What is
// over is dropped and counted, and the next line says so. Its methods may be
// called concurrently.
type GuestLog struct {
	limiter *rate.Limiter
	onDrop  func() // nil: nobody counts
	dropped atomic.Int64
}

// NewGuestLog makes a GuestLog. onDrop is called for each line that is
// dropped; it may be nil.
func NewGuestLog(onDrop func()) *GuestLog {
	return &GuestLog{limiter: rate.NewLimiter(maxGuestRate, maxGuestBurst), onDrop: onDrop}
}

// Line writes a line of a guest to log. Lines of a level that is not logged
// count for nothing.
func (g *GuestLog) Line(log *slog.Logger, level slog.Level, text []byte, attrs ...any) {
	ctx := context.Background()
	if !log.Enabled(ctx, level) {
		return
	}
	if !g.limiter.Allow() {
		g.dropped.Add(1)
		if g.onDrop != nil {
			g.onDrop()
		}
		return
	}
	attrs = append([]any{"source", "guest"}, attrs...)
	if n := g.dropped.Swap(0); n > 0 {
		attrs = append(attrs, "dropped_before", n)
	}
	log.Log(ctx, level, escapeLine(text), attrs...)
}

// ready says that Line would write a line of a level now, as far as can be told.
func (g *GuestLog) ready(log *slog.Logger, level slog.Level) bool {
	return log.Enabled(context.Background(), level) && g.limiter.Tokens() >= 1
}

// flush says what was dropped and not said yet.
func (g *GuestLog) reportDropped(log *slog.Logger) {
	if n := g.dropped.Swap(0); n > 0 {
		log.Warn("guest lines dropped: it prints too much", "source", "guest", "lines", n, "limit_per_second", maxGuestRate)
	}
}

// guestWriter makes lines of what one instance prints to a stream. Only the
// instance's calls use it, so it needs no lock.
type guestWriter struct {
	log    *slog.Logger
	lines  *GuestLog
	level  slog.Level
	stream string
	before func() // called before a line is written: who reads the log may be slow
	line   []byte
}

func (w *guestWriter) write(b []byte) {
	for len(b) > 0 {
		n := bytes.IndexByte(b, '\n')
		if n < 0 {
			n = len(b)
		}
		take := min(n, maxGuestLine-len(w.line))
		w.line = append(w.line, b[:take]...)
		b = b[take:]
		switch {
		case len(b) > 0 && b[0] == '\n':
			b = b[1:]
			w.flush()
		case len(w.line) == maxGuestLine:
			w.flush()
		}
	}
}

// flush writes the line so far. Empty lines say nothing and are left out.
func (w *guestWriter) flush() {
	line := bytes.TrimSuffix(w.line, []byte{'\r'})
	w.line = w.line[:0]
	if len(line) > 0 {
		if w.lines.ready(w.log, w.level) {
			w.before()
		}
		w.lines.Line(w.log, w.level, line, "stream", w.stream)
	}
}

// escape makes text of a guest fit for a log: what is not printable, or not
// UTF-8, is written as \xNN or \uNNNN.
func escape(text []byte) string { return escapeUpTo(text, math.MaxInt) }

// escapeLine is escape for a line, which has maxGuestLine bytes in the end. One
// that is longer ends in an ellipsis.
func escapeLine(text []byte) string { return escapeUpTo(text, maxGuestLine) }

func escapeUpTo(text []byte, most int) string {
	const ellipsis = "…"
	out := make([]byte, 0, min(len(text), most))
	cut := 0 // where an ellipsis has room
	for len(text) > 0 {
		n := 0
		if out, n = appendEscaped(out, text); len(out) > most {
			return string(out[:cut]) + ellipsis
		}
		if len(out) <= most-len(ellipsis) {
			cut = len(out)
		}
		text = text[n:]
	}
	return string(out)
}

// appendEscaped appends the first rune of text, which has n bytes.
func appendEscaped(out, text []byte) (_ []byte, n int) {
	r, n := utf8.DecodeRune(text)
	switch {
	case r == utf8.RuneError && n == 1:
		return fmt.Appendf(out, `\x%02x`, text[0]), n
	case r < 0x20 && r != '\t', r == 0x7f:
		return fmt.Appendf(out, `\x%02x`, r), n
	case r > 0xffff && !unicode.IsPrint(r):
		return fmt.Appendf(out, `\U%08x`, r), n
	case r >= 0x80 && !unicode.IsPrint(r):
		return fmt.Appendf(out, `\u%04x`, r), n
	}
	return utf8.AppendRune(out, r), n
}

// SlogLevel is the level of the log that a guest means.
func SlogLevel(l abi.Level) slog.Level {
	switch l {
	case abi.Debug:
		return slog.LevelDebug
	case abi.Warn:
		return slog.LevelWarn
	case abi.Error:
		return slog.LevelError
	}
	return slog.LevelInfo
}
