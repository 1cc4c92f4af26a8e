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

// Console writes the log for people: a plugin's lines under its name, stacks
// as lines, and the rest briefly. It is a slog.Handler, and hands what it
// writes to Events, too.
type Console struct {
	out   *console
	attrs []slog.Attr
}

// console is what all handlers made of one share.
type console struct {
	mu     sync.Mutex
	w      io.Writer
	level  slog.Leveler
	color  bool
	events *Events
}

// NewConsole makes a handler that writes to w. color marks levels with colors.
func NewConsole(w io.Writer, level slog.Leveler, color bool, events *Events) *Console {
	return &Console{out: &console{w: w, level: level, color: color, events: events}}
}

// Enabled implements slog.Handler.
func (c *Console) Enabled(_ context.Context, level slog.Level) bool {
	return level >= c.out.level.Level()
}

// WithAttrs implements slog.Handler.
func (c *Console) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &Console{c.out, append(append([]slog.Attr(nil), c.attrs...), attrs...)}
}

// WithGroup implements slog.Handler. The host has no groups.
func (c *Console) WithGroup(string) slog.Handler { return c }

// Handle implements slog.Handler.
func (c *Console) Handle(_ context.Context, r slog.Record) error {
	var plugin, hook, failure string
	var rest []string
	each := func(a slog.Attr) bool {
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
	r.Attrs(each)
	for _, a := range c.attrs {
		each(a)
	}
	text := r.Message
	if failure != "" {
		text += ": " + readable(failure)
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

// Line writes a line that is no log record, such as what a build has to say.
func (c *Console) Line(level slog.Level, plugin, text string) {
	_ = c.out.write(Event{time.Now(), strings.ToLower(level.String()), plugin, text})
}

// Failed writes a failure of the host's as Handle would: its line breaks are
// some.
func (c *Console) Failed(plugin, text, failure string) {
	c.Line(slog.LevelError, plugin, text+": "+readable(failure))
}

func (c *console) write(ev Event) error {
	c.events.Add(ev)
	before, after := "", ""
	if c.color {
		before, after = map[string]string{"debug": "\x1b[2m", "warn": "\x1b[33m", "error": "\x1b[31m"}[ev.Level], "\x1b[0m"
	}
	name := ""
	if ev.Plugin != "" {
		name = ev.Plugin + ": "
	}
	text := strings.ReplaceAll(strings.TrimRight(ev.Text, "\n"), "\n", "\n         ")
	c.mu.Lock()
	defer c.mu.Unlock()
	_, err := fmt.Fprintf(c.w, "%s %s%s%s%s\n", ev.Time.Format(time.TimeOnly), before, name, text, after)
	return err
}

// maxLines is how much of a failure is shown: WebAssembly stacks are long.
const maxLines = 12

// readable shows the line breaks that the host's log escapes.
func readable(text string) string {
	lines := strings.Split(strings.NewReplacer(`\x0a`, "\n", `\x09`, "\t").Replace(text), "\n")
	if n := len(lines); n > maxLines {
		lines = append(lines[:maxLines], fmt.Sprintf("… and %d lines", n-maxLines))
	}
	return strings.Join(lines, "\n")
}
