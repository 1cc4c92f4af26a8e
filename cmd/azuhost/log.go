package main

import (
	"io"
	"log/slog"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// newLog returns a log that writes to w. It sets level from c. A later change of level applies to the log.
func newLog(w io.Writer, c config.Log, level *slog.LevelVar) *slog.Logger {
	level.Set(logLevel(c.Level))
	o := &slog.HandlerOptions{Level: level}
	if c.Format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// logLevel returns the level of that name. Package config has validated the name.
func logLevel(name string) slog.Level {
	var l slog.Level
	if err := l.UnmarshalText([]byte(name)); err != nil {
		return slog.LevelInfo
	}
	return l
}
