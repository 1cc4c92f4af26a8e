package host

import "sync"

// values are what a plugin keeps with a connection. They live in the host, so
// that they outlast instances and versions. The zero value is empty.
type values struct {
	mu sync.Mutex
	m  map[string][]byte
	n  int // bytes, as entryBytes counts them
}

func (v *values) append(dst, key []byte) ([]byte, bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, ok := v.m[string(key)]
	return append(dst, b...), ok
}

// size is what would be kept after setting key to n bytes.
func (v *values) size(key []byte, n int) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	old, ok := v.m[string(key)]
	if ok {
		return v.n - len(old) + n
	}
	return v.n + entryBytes(len(key), n)
}

func (v *values) set(key string, b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = map[string][]byte{}
	}
	if old, ok := v.m[key]; ok {
		v.n -= entryBytes(len(key), len(old))
	}
	v.n += entryBytes(len(key), len(b))
	v.m[key] = append([]byte(nil), b...)
}

func (v *values) delete(key []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.m[string(key)]; ok {
		v.n -= entryBytes(len(key), len(old))
		delete(v.m, string(key))
	}
}
