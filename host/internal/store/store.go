// Package store keeps the key-value store of a route, in memory or shared by the nodes of a cluster.
//
// A hook changes the store in a transaction (Tx). One transaction writes at a time, so that increments are atomic and a
// failing hook leaves nothing behind. Reads outside of a transaction that writes do not wait for it.
package store

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// EntryOverhead is about how much memory an entry of a map takes beside its key and value, in bytes. Limits include it,
// or millions of tiny entries would pass them.
const EntryOverhead = 64

// EntryBytes returns the size that limits count for an entry with a key and a value of the given lengths.
func EntryBytes(key, value int) int { return key + value + EntryOverhead }

// Store is a key-value store. All methods may be called concurrently.
type Store struct {
	now    func() time.Time
	shared Shared        // holds the values; nil: the map does
	writer chan struct{} // holds a token while a transaction of this node writes

	mu     sync.Mutex
	values map[string]Value
	size   int // of values, as EntryBytes counts
}

// Value is a value with its expiry.
type Value struct {
	Data    string
	Expires time.Time // zero: never

	// TTL is the time to live of a value that a transaction is about to write. A shared store prefers it to Expires,
	// because the clocks of nodes differ. It is 0 for a value that never expires or keeps the expiry that it had.
	TTL time.Duration
}

func (v Value) expired(now time.Time) bool { return !v.Expires.IsZero() && !now.Before(v.Expires) }

// Change is what a transaction does to one key.
type Change struct {
	Key    string
	Value  Value
	Delete bool // the key is deleted, and Value has no meaning
}

// Shared is a store that the nodes of a cluster share. A context that is done makes its methods return the context's
// error.
type Shared interface {
	// Get returns the value of a key. ok is false if it has none.
	Get(ctx context.Context, key string) (v Value, ok bool, err error)
	// Lock acquires the right to write, and returns a token for Write or Unlock.
	Lock(ctx context.Context) (lock string, err error)
	// Unlock releases a lock. It does not wait.
	Unlock(lock string)
	// Write applies the changes and releases the lock in one atomic step. It fails if the lock was lost.
	Write(ctx context.Context, lock string, changes []Change) error
}

// New returns a store. shared holds the values; nil: they are in memory. now is the clock for values in memory.
func New(shared Shared, now func() time.Time) *Store {
	return &Store{now: now, shared: shared, writer: make(chan struct{}, 1), values: map[string]Value{}}
}

// IsShared reports whether the values are in a shared store.
func (s *Store) IsShared() bool { return s.shared != nil }

// Size returns the size of the values in memory, as EntryBytes counts.
func (s *Store) Size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.size
}

// Sweep removes the values in memory that have expired at now.
func (s *Store) Sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.values {
		if v.expired(now) {
			s.remove(k)
		}
	}
}

// read returns a value. It waits for a shared store at most for the given time, and returns abi.Timeout or
// abi.Unavailable if that does not answer.
func (s *Store) read(key string, wait time.Duration) (Value, bool, error) {
	if s.shared == nil {
		v, ok := s.get(key)
		return v, ok, nil
	}
	if wait <= 0 {
		return Value{}, false, abi.Timeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	v, ok, err := s.shared.Get(ctx, key)
	if err != nil {
		return Value{}, false, sharedError(err)
	}
	return v, ok, nil
}

// lock acquires the lock of the shared store. It waits at most for the given time.
func (s *Store) lock(wait time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	lock, err := s.shared.Lock(ctx)
	if err != nil {
		return "", sharedError(err)
	}
	return lock, nil
}

// write writes to the shared store and releases the lock. It waits at most for the given time.
func (s *Store) write(lock string, changes []Change, wait time.Duration) error {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return s.shared.Write(ctx, lock, changes)
}

// sharedError returns the ABI error for a shared store that did not answer.
func sharedError(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return abi.Timeout
	}
	return abi.Unavailable
}

// get returns a value in memory.
func (s *Store) get(key string) (Value, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.values[key]
	if ok && v.expired(s.now()) {
		s.remove(key)
		return Value{}, false
	}
	return v, ok
}

// apply applies changes to the values in memory.
func (s *Store) apply(changes []Change) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range changes {
		s.remove(c.Key)
		if !c.Delete {
			s.values[c.Key] = c.Value
			s.size += EntryBytes(len(c.Key), len(c.Value.Data))
		}
	}
}

// remove removes a value in memory. mu is held.
func (s *Store) remove(key string) {
	if v, ok := s.values[key]; ok {
		s.size -= EntryBytes(len(key), len(v.Data))
		delete(s.values, key)
	}
}
