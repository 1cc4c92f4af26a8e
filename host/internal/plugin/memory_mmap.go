//go:build linux || darwin

package plugin

import "syscall"

// reserve maps max bytes of address space. MAP_NORESERVE makes pages count when they are touched, not before.
func reserve(max uint64) ([]byte, error) {
	if max == 0 {
		max = wasmPage // mmap refuses an empty mapping; the guest sees none of this page
	}
	buf, err := syscall.Mmap(-1, 0, int(max), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	disableHugePages(buf)
	return buf, nil
}

// extend returns a buffer of at least size bytes with the contents of buf. It returns false if there is none.
func extend(buf []byte, size uint64) ([]byte, bool) { return buf, size <= uint64(len(buf)) }

func release(buf []byte) {
	// It cannot fail: buf is a whole mapping of reserve, and this is its only unmap.
	_ = syscall.Munmap(buf)
}
