//go:build !linux && !darwin

package plugin

// Without an mmap that reserves address space, memory comes from Go's heap, and growing it copies.

func reserve(uint64) ([]byte, error) { return nil, nil }

func extend(buf []byte, size uint64) ([]byte, bool) {
	if size <= uint64(len(buf)) {
		return buf, true
	}
	grown := make([]byte, size)
	copy(grown, buf)
	return grown, true
}

func release([]byte) {}
