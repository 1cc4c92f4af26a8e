package main

import (
	"errors"

	"github.com/spf13/cobra"
)

// Exit codes.
const (
	exitOK      = 0
	exitFailure = 1 // the command failed
	exitUsage   = 2 // the command was called wrongly
)

// errReported fails a command that has printed its error already.
var errReported = errors.New("")

// usageError is an error in how a command was called.
type usageError struct{ text string }

func (e *usageError) Error() string { return e.text }

// failure is an error of a command that was called correctly.
type failure struct{ err error }

func (f *failure) Error() string { return f.err.Error() }
func (f *failure) Unwrap() error { return f.err }

// markFailures makes every error of runE a failure, except usage errors. All other errors of cobra are usage errors.
func markFailures(runE func(*cobra.Command, []string) error) func(*cobra.Command, []string) error {
	return func(cmd *cobra.Command, args []string) error {
		err := runE(cmd, args)
		if usage := (*usageError)(nil); err == nil || errors.As(err, &usage) {
			return err
		}
		return &failure{err}
	}
}
