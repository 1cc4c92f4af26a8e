package host

import (
	"sync"

	"github.com/azuhost/azuhost/host/internal/store"
)

// values are the values that a plugin stores with a connection. They live in the
// host, so that they survive a change of the plugin. The zero value is empty.
// Methods may be called concurrently.
type values struct {
	mu   sync.Mutex
	m    map[string][]byte
	size int // bytes, as store.EntryBytes counts them
}

// append appends the value of a key to dst. ok is false where there is none.
func (v *values) append(dst, key []byte) (_ []byte, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, ok := v.m[string(key)]
	return append(dst, b...), ok
}

// bytes returns the size of all values and that of one key.
func (v *values) bytes(key []byte) (all, one int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.m[string(key)]; ok {
		one = store.EntryBytes(len(key), len(old))
	}
	return v.size, one
}

// set stores a copy of b.
func (v *values) set(key string, b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = map[string][]byte{}
	}
	if old, ok := v.m[key]; ok {
		v.size -= store.EntryBytes(len(key), len(old))
	}
	v.size += store.EntryBytes(len(key), len(b))
	v.m[key] = append([]byte(nil), b...)
}

// delete deletes the value of a key.
func (v *values) delete(key []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.m[string(key)]; ok {
		v.size -= store.EntryBytes(len(key), len(old))
		delete(v.m, string(key))
	}
}

// sizeAfter returns the size of all values, and the size that they have after the
// effects of c. keys holds the index of the last effect on each key.
func (v *values) sizeAfter(c *call, keys map[string]int) (now, after int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	after = v.size
	for key, i := range keys {
		if old, ok := v.m[key]; ok {
			after -= store.EntryBytes(len(key), len(old))
		}
		after += c.effects[i].valueBytes()
	}
	return v.size, after
}
