package socket

import (
	"io"
	"net"
	"os"
	"syscall"
	"unsafe"
)

// fd is a socket that is read and written without blocking. The system calls
// bypass the scheduler (RawSyscall). They return at once, and the scheduler's
// bookkeeping is a large part of the cost of a small write.
type fd struct {
	raw syscall.RawConn
	n   int
}

// openFD returns the descriptor of a TCP or Unix connection. ok is false for any
// other, such as TLS.
func openFD(c net.Conn) (f fd, ok bool) {
	switch c.(type) {
	case *net.TCPConn, *net.UnixConn:
	default:
		return fd{}, false
	}
	raw, err := c.(syscall.Conn).SyscallConn()
	if err != nil {
		return fd{}, false
	}
	err = raw.Control(func(n uintptr) { f = fd{raw, int(n)} })
	return f, err == nil
}

// write writes as much as the socket takes without blocking.
func (f *fd) write(p []byte) (n int, err error) {
	for n < len(p) {
		k, _, e := syscall.RawSyscall(syscall.SYS_WRITE, uintptr(f.n), uintptr(unsafe.Pointer(&p[n])), uintptr(len(p)-n))
		switch e {
		case 0:
			n += int(k)
		case syscall.EINTR:
		case syscall.EAGAIN:
			return n, nil
		default:
			return n, os.NewSyscallError("write", e)
		}
	}
	return n, nil
}

// read reads once. It returns errNoInput if it would block.
func (f *fd) read(n uintptr, p []byte) (int, error) {
	for {
		k, _, e := syscall.RawSyscall(syscall.SYS_READ, n, uintptr(unsafe.Pointer(&p[0])), uintptr(len(p)))
		switch {
		case e == syscall.EINTR:
		case e == syscall.EAGAIN:
			return 0, errNoInput
		case e != 0:
			return 0, os.NewSyscallError("read", e)
		case k == 0:
			return 0, io.EOF
		default:
			return int(k), nil
		}
	}
}

// waitRead and waitWrite call try when the socket is ready, until it returns
// true.
func (f *fd) waitRead(try func(n uintptr) bool) error  { return f.raw.Read(try) }
func (f *fd) waitWrite(try func(n uintptr) bool) error { return f.raw.Write(try) }

// shutdown ends both directions. It wakes a reader that waits.
func (f *fd) shutdown() { _ = syscall.Shutdown(f.n, syscall.SHUT_RDWR) }

// shutdownWrite ends the output. The peer reads to its end.
func (f *fd) shutdownWrite() { _ = syscall.Shutdown(f.n, syscall.SHUT_WR) }
