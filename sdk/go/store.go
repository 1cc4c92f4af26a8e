package azu

import (
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// Key is a key of the channel's store. All instances and all versions of the
// plugin share the store; it outlives connections, but not the host.
type Key string

// Get is the value, or [ErrNotFound].
func (k Key) Get() (string, error) {
	return fetchString(func(buf *byte, size uint32) int32 { return raw.StoreGet(string(k), buf, size) })
}

// Append appends the value to dst. It is Get without an allocation.
func (k Key) Append(dst []byte) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.StoreGet(string(k), buf, size) })
	return append(dst, b...), err
}

// Set keeps a value for so long (0: without end).
func (k Key) Set(value string, ttl time.Duration) error {
	return check(raw.StoreSet(string(k), value, milliseconds(ttl)))
}

// Delete forgets the value. [ErrNotFound] if there is none.
func (k Key) Delete() error { return check(raw.StoreDelete(string(k))) }

// Add adds to a number, from 0 if there is none, and returns the sum. The
// value is kept in decimal, as Get shows. ttl counts from the creation; 0:
// without end.
func (k Key) Add(delta int64, ttl time.Duration) (int64, error) {
	var sum int64
	n := raw.StoreAdd(string(k), delta, milliseconds(ttl), &sum)
	return sum, check(n)
}
