//go:build !linux && !darwin

package plugin

// Where there is no mmap that reserves, memory comes from Go's heap, and
// growing copies.

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
