package store

import (
	"iter"
	"sync"
)

// Values are the values that a plugin stores with a connection. They live in the
// host, so that they survive a change of the plugin. The zero value is empty.
// Methods may be called concurrently.
type Values struct {
	mu   sync.Mutex
	m    map[string][]byte
	size int // bytes, as EntryBytes counts them
}

// Append appends the value of a key to dst. ok is false where there is none.
func (v *Values) Append(dst, key []byte) (_ []byte, ok bool) {
	v.mu.Lock()
	defer v.mu.Unlock()
	b, ok := v.m[string(key)]
	return append(dst, b...), ok
}

// Bytes returns the size of all values and that of one key.
func (v *Values) Bytes(key []byte) (all, one int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.m[string(key)]; ok {
		one = EntryBytes(len(key), len(old))
	}
	return v.size, one
}

// Set stores a copy of b.
func (v *Values) Set(key string, b []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if v.m == nil {
		v.m = map[string][]byte{}
	}
	if old, ok := v.m[key]; ok {
		v.size -= EntryBytes(len(key), len(old))
	}
	v.size += EntryBytes(len(key), len(b))
	v.m[key] = append([]byte(nil), b...)
}

// Delete deletes the value of a key.
func (v *Values) Delete(key []byte) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if old, ok := v.m[string(key)]; ok {
		v.size -= EntryBytes(len(key), len(old))
		delete(v.m, string(key))
	}
}

// SizeAfter returns the size of all values, and the size that they have when the
// values of some keys get other sizes. A size is that of EntryBytes, 0 for a value
// that is deleted.
func (v *Values) SizeAfter(sizes iter.Seq2[string, int]) (now, after int) {
	v.mu.Lock()
	defer v.mu.Unlock()
	after = v.size
	for key, size := range sizes {
		if old, ok := v.m[key]; ok {
			after -= EntryBytes(len(key), len(old))
		}
		after += size
	}
	return v.size, after
}
