package plugin

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"strings"
	"sync"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
)

const (
	maxGuestLine = 1 << 10 // bytes of a line; what is longer becomes several
	maxGuestRate = 100     // lines in a second, of all instances of a plugin
)

// guestLog takes the lines that guests print. Beyond its rate it counts what
// it drops, and says so when the second is over.
type guestLog struct {
	log *slog.Logger

	mu      sync.Mutex
	second  time.Time // when the current second began
	lines   int       // in it
	dropped int       // lines that nobody was told of
}

// line writes a line of a guest.
func (g *guestLog) line(level slog.Level, stream string, text []byte) {
	g.mu.Lock()
	now := time.Now()
	var dropped int
	if now.Sub(g.second) >= time.Second {
		g.second, g.lines = now, 0
		dropped, g.dropped = g.dropped, 0
	}
	pass := g.lines < maxGuestRate
	if pass {
		g.lines++
	} else {
		g.dropped++
	}
	g.mu.Unlock()
	g.report(dropped)
	if pass {
		g.log.Log(context.Background(), level, escape(text), "source", "guest", "stream", stream)
	}
}

// flush says what was dropped and not reported yet.
func (g *guestLog) flush() {
	g.mu.Lock()
	dropped := g.dropped
	g.dropped = 0
	g.mu.Unlock()
	g.report(dropped)
}

func (g *guestLog) report(dropped int) {
	if dropped > 0 {
		g.log.Warn("guest lines dropped: it prints too much", "source", "guest", "lines", dropped, "limit_per_second", maxGuestRate)
	}
}

// guestWriter makes lines of what one instance prints to a stream. Only the
// instance's calls use it, so it needs no lock.
type guestWriter struct {
	log    *guestLog
	level  slog.Level
	stream string
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
		w.log.line(w.level, w.stream, line)
	}
}

// escape makes text of a guest fit for a log: what is not printable, or not
// UTF-8, is written as \xNN or \uNNNN.
func escape(text []byte) string {
	var b strings.Builder
	b.Grow(len(text))
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r == utf8.RuneError && n == 1:
			fmt.Fprintf(&b, `\x%02x`, text[0])
		case r < 0x20 && r != '\t', r == 0x7f:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r >= 0x80 && !unicode.IsPrint(r):
			if r > 0xffff {
				fmt.Fprintf(&b, `\U%08x`, r)
			} else {
				fmt.Fprintf(&b, `\u%04x`, r)
			}
		default:
			b.WriteRune(r)
		}
		text = text[n:]
	}
	return b.String()
}

func slogLevel(l abi.Level) slog.Level {
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
