//go:build !unix

package host_test

// replaceByPipe does nothing, because folders have no named pipes on this system.
func (s *trialHost) replaceByPipe() {}
