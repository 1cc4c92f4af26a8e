package azu

import "github.com/azuhost/azuhost/sdk/go/internal/raw"

// Level is the level of a line in the log.
type Level int32

// Levels of lines.
const (
	LevelDebug Level = 0
	LevelInfo  Level = 1
	LevelWarn  Level = 2
	LevelError Level = 3
)

// Log writes a line to the host's log at once: the log keeps it if the hook fails. The host adds the time, the route
// and the plugin.
func Log(level Level, text string) { raw.Log(int32(level), text) }

// Debug writes a line with LevelDebug.
func Debug(text string) { Log(LevelDebug, text) }

// Info writes a line with LevelInfo.
func Info(text string) { Log(LevelInfo, text) }

// Warn writes a line with LevelWarn.
func Warn(text string) { Log(LevelWarn, text) }

// Error writes a line with LevelError.
func Error(text string) { Log(LevelError, text) }
