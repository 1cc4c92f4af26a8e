//go:build unix

package host_test

import (
	"os"
	"syscall"
)

// replaceByPipe replaces the plugin's file with a named pipe that has no writer, and waits until the host refuses it.
func (s *trialHost) replaceByPipe() {
	s.t.Helper()
	if err := os.Remove(s.file); err != nil {
		s.t.Fatal(err)
	}
	if err := syscall.Mkfifo(s.file, 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.waitForLog("not a file")
}
