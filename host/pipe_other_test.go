//go:build !unix

package host_test

// pipe does nothing: there are no named pipes in folders here.
func (s *trial) pipe() {}
