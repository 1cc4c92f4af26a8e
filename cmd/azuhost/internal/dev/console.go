package dev

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"strings"
	"sync"
	"time"
)

// Console is a slog.Handler that writes the log for people. A line begins with the name of its plugin, stack traces
// have their line breaks, and the other attributes are brief. Console also adds each line to Events.
type Console struct {
	out   *consoleWriter
	attrs []slog.Attr
}

// consoleWriter is the part of a Console that handlers with other attributes share.
type consoleWriter struct {
	mu     sync.Mutex // guards writes to w
	w      io.Writer
	level  slog.Leveler
	color  bool
	events *Events
}

// NewConsole returns a handler that writes lines of at least level to w and events. color colors lines by their levels.
func NewConsole(w io.Writer, level slog.Leveler, color bool, events *Events) *Console {
	return &Console{out: &consoleWriter{w: w, level: level, color: color, events: events}}
}

// Enabled implements slog.Handler.
func (c *Console) Enabled(_ context.Context, level slog.Level) bool {
	return level >= c.out.level.Level()
}

// WithAttrs implements slog.Handler.
func (c *Console) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Console{c.out, append(append([]slog.Attr(nil), c.attrs...), attrs...)}
}

// WithGroup implements slog.Handler. It ignores groups: the host has none.
func (c *Console) WithGroup(string) slog.Handler { return c }

// Handle implements slog.Handler.
func (c *Console) Handle(_ context.Context, r slog.Record) error {
	var plugin, hook, failure string
	var rest []string
	add := func(a slog.Attr) bool {
		switch a.Key {
		case "plugin":
			plugin = a.Value.String()
		case "hook":
			hook = a.Value.String()
		case "err", "error":
			failure = a.Value.String()
		case "source", "took", "was":
		default:
			if a.Key != "route" || plugin == "" {
				rest = append(rest, a.Key+"="+a.Value.String())
			}
		}
		return true
	}
	r.Attrs(add)
	for _, a := range c.attrs {
		add(a)
	}
	text := r.Message
	if failure != "" {
		text += ": " + readableError(failure)
	}
	if len(rest) > 0 {
		text += " (" + strings.Join(rest, " ") + ")"
	}
	name := plugin
	if hook != "" {
		name += " " + hook
	}
	return c.out.write(Event{r.Time, strings.ToLower(r.Level.String()), name, text})
}

// Line writes a line that is not a log record, such as the result of a build. plugin may be empty.
func (c *Console) Line(level slog.Level, plugin, text string) {
	_ = c.out.write(Event{time.Now(), strings.ToLower(level.String()), plugin, text})
}

// Failure writes text with an error of the host. It formats the error as Handle does.
func (c *Console) Failure(plugin, text, failure string) {
	c.Line(slog.LevelError, plugin, text+": "+readableError(failure))
}

func (c *consoleWriter) write(ev Event) error {
	c.events.Add(ev)
	color, reset := "", ""
	if c.color {
		color, reset = levelColor(ev.Level), "\x1b[0m"
	}
	name := ""
	if ev.Plugin != "" {
		name = ev.Plugin + ": "
	}
	text := strings.ReplaceAll(strings.TrimRight(ev.Text, "\n"), "\n", "\n         ")
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintf(c.w, "%s %s%s%s%s\n", ev.Time.Format(time.TimeOnly), color, name, text, reset)
	return err
}

// levelColor returns the escape sequence that begins the color of a level. It is empty for info.
func levelColor(level string) string {
	switch level {
	case "debug":
		return "\x1b[2m"
	case "warn":
		return "\x1b[33m"
	case "error":
		return "\x1b[31m"
	}
	return ""
}

// maxErrorLines bounds the lines of an error that are shown. Stack traces of WebAssembly are long.
const maxErrorLines = 12

// readableError returns an error with the line breaks and tabs that the host escapes, and at most maxErrorLines.
func readableError(text string) string {
	lines := strings.Split(strings.NewReplacer(`\x0a`, "\n", `\x09`, "\t").Replace(text), "\n")
	if n := len(lines); n > maxErrorLines {
		lines = append(lines[:maxErrorLines], fmt.Sprintf("… and %d lines", n-maxErrorLines))
	}
	return strings.Join(lines, "\n")
}
