package azu

import (
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// Key is a key of the channel's store. All instances and versions of the plugin share the store. It outlives
// connections, but not the host.
type Key string

// Get returns the value, or [ErrNotFound].
func (k Key) Get() (string, error) {
	return fetchString(func(buf *byte, size uint32) int32 { return raw.StoreGet(string(k), buf, size) })
}

// Append appends the value to dst. It does not allocate a string.
func (k Key) Append(dst []byte) ([]byte, error) {
	b, err := fetch(func(buf *byte, size uint32) int32 { return raw.StoreGet(string(k), buf, size) })
	return append(dst, b...), err
}

// Set sets the value. It expires after ttl; 0 means never.
func (k Key) Set(value string, ttl time.Duration) error {
	return check(raw.StoreSet(string(k), value, milliseconds(ttl)))
}

// Delete deletes the value. It returns [ErrNotFound] if there is none.
func (k Key) Delete() error { return check(raw.StoreDelete(string(k))) }

// Add adds delta to a number, which is 0 if there is no value, and returns the sum. Get returns the number in decimal.
// A new value expires after ttl; 0 means never.
func (k Key) Add(delta int64, ttl time.Duration) (int64, error) {
	var sum int64
	n := raw.StoreAdd(string(k), delta, milliseconds(ttl), &sum)
	return sum, check(n)
}
