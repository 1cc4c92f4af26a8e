//go:build !linux

package socket

import "net"

// fd is used on Linux only. On other systems no connection is direct.
type fd struct{}

func openFD(net.Conn) (f fd, ok bool) { return fd{}, false }

func (f *fd) write([]byte) (int, error)          { panic("unreachable") }
func (f *fd) read(uintptr, []byte) (int, error)  { panic("unreachable") }
func (f *fd) waitRead(func(uintptr) bool) error  { panic("unreachable") }
func (f *fd) waitWrite(func(uintptr) bool) error { panic("unreachable") }
func (f *fd) shutdown()                          { panic("unreachable") }
func (f *fd) shutdownWrite()                     { panic("unreachable") }
