//go:build unix

package host_test

import (
	"os"
	"strings"
	"syscall"
)

// pipe has a named pipe where the plugin's file was, to which nobody writes.
func (s *trial) pipe() {
	s.t.Helper()
	if err := os.Remove(s.file); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Mkfifo(s.file, 0o600); err != nil {
		s.t.Fatal(err)
	}
	eventually(s.t, "a line in the log", func() bool { return strings.Contains(s.log.String(), "not a file") })
}
