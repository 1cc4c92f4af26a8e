//go:build !unix

package host_test

// replaceByPipe does nothing, because a folder cannot contain a named pipe on this system.
func (s *trialHost) replaceByPipe() {}
