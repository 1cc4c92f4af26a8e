package plugin

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"

	"github.com/azuhost/azuhost/host/abi"
	"golang.org/x/time/rate"
)

const (
	maxGuestLine  = 1 << 10 // bytes of a line in the log
	maxGuestRate  = 100     // lines per second, of all instances together
	maxGuestBurst = 200     // lines at once
)

// GuestLog writes the lines of guests to the log. It escapes control characters, cuts a line at 1 KiB, and limits the
// rate to 100 lines per second, 200 at once. It drops and counts further lines, and the next line has their number.
// Its methods may be called concurrently.
type GuestLog struct {
	limiter *rate.Limiter
	onDrop  func() // may be nil
	dropped atomic.Int64
}

// NewGuestLog returns a GuestLog. It calls onDrop, which may be nil, for each dropped line.
func NewGuestLog(onDrop func()) *GuestLog {
	return &GuestLog{limiter: rate.NewLimiter(maxGuestRate, maxGuestBurst), onDrop: onDrop}
}

// WriteLine writes a line of a guest to log. A line of a level that log does not write does not count towards the rate.
func (g *GuestLog) WriteLine(log *slog.Logger, level slog.Level, text []byte, attrs ...any) {
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
	log.Log(ctx, level, escapeUpTo(text, maxGuestLine), attrs...)
}

// wouldWrite returns whether WriteLine would write a line of this level now. Concurrent lines can make it wrong.
func (g *GuestLog) wouldWrite(log *slog.Logger, level slog.Level) bool {
	return log.Enabled(context.Background(), level) && g.limiter.Tokens() >= 1
}

// reportDropped logs the number of dropped lines that no line has reported.
func (g *GuestLog) reportDropped(log *slog.Logger) {
	if n := g.dropped.Swap(0); n > 0 {
		log.Warn("guest lines dropped: the guest prints too much", "source", "guest", "lines", n,
			"limit_per_second", maxGuestRate)
	}
}

// guestWriter splits the output of one instance to a stream into lines, and logs them. Only the calls of the instance
// use it, so it has no lock.
type guestWriter struct {
	log        *slog.Logger
	lines      *GuestLog
	level      slog.Level
	stream     string
	beforeLine func() // called before a line is written to the log, which may block

	line []byte // the incomplete line
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

// flush logs the incomplete line. It leaves out an empty one.
func (w *guestWriter) flush() {
	line := bytes.TrimSuffix(w.line, []byte{'\r'})
	w.line = w.line[:0]
	if len(line) > 0 {
		if w.lines.wouldWrite(w.log, w.level) {
			w.beforeLine()
		}
		w.lines.WriteLine(w.log, w.level, line, "stream", w.stream)
	}
}

// SlogLevel returns the log level for a level of the ABI.
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
