//go:build linux || darwin

package plugin

import "syscall"

// reserve maps max bytes of address space. NORESERVE: pages count when they
// are touched, not before.
func reserve(max uint64) ([]byte, error) {
	if max == 0 {
		max = wasmPage // an empty mapping is an error; the guest sees none of it
	}
	buf, err := syscall.Mmap(-1, 0, int(max), syscall.PROT_READ|syscall.PROT_WRITE,
		syscall.MAP_ANON|syscall.MAP_PRIVATE|syscall.MAP_NORESERVE)
	if err != nil {
		return nil, err
	}
	smallPages(buf)
	return buf, nil
}

func extend(buf []byte, size uint64) ([]byte, bool) { return buf, size <= uint64(len(buf)) }

func release(buf []byte) {
	// It cannot fail: buf is a whole mapping of ours, and this is its only unmap.
	_ = syscall.Munmap(buf)
}
