// Package idempotency runs a function once for each key.
package idempotency

import (
	"context"
	"crypto/sha256"
	"errors"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// ErrReused is the error of a key that was used with another hash.
var ErrReused = errors.New("the key was used for another publication: make a new one for each")

const (
	// maxKeys is how many keys are remembered. The least recently used one is
	// forgotten first.
	maxKeys = 10_000
	// keyTTL is how long a key is remembered.
	keyTTL = 5 * time.Minute
)

// Hash is the hash of what a key stands for.
type Hash = [sha256.Size]byte

// Keys remembers keys and the results of type T. Methods may be called concurrently.
type Keys[T any] struct {
	mu       sync.Mutex
	attempts *simplelru.LRU[string, *attempt[T]] // by key
}

// attempt is the first run with a key. Its result is valid when done is closed.
type attempt[T any] struct {
	hash    Hash
	started time.Time
	done    chan struct{}

	result   T
	err      error
	canceled bool // its context ended before it had an effect: another caller may run
}

// New returns Keys that remember nothing.
func New[T any]() *Keys[T] {
	attempts, err := simplelru.NewLRU[string, *attempt[T]](maxKeys, nil)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &Keys[T]{attempts: attempts}
}

// Do calls run if key is new. Otherwise it waits for the attempt that has the key and
// returns its result with duplicate set, or calls run in its place if the attempt was
// canceled before it had an effect. hash tells apart what the key is used for: Do
// returns ErrReused if the attempt has another one. run also returns whether it had an
// effect; a key whose run failed without one is forgotten.
func (k *Keys[T]) Do(
	ctx context.Context,
	key string,
	hash Hash,
	run func() (result T, effect bool, err error),
) (result T, duplicate bool, err error) {
	for {
		a, mine := k.claim(key, hash)
		switch {
		case mine:
			k.run(ctx, key, a, run)
			return a.result, false, a.err
		case a.hash != hash:
			return result, false, ErrReused
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			return result, false, ctx.Err()
		}
		if !a.canceled {
			return a.result, true, a.err
		}
	}
}

// claim returns the attempt that has the key. If there is none it adds one, which the
// caller has to run: mine is true.
func (k *Keys[T]) claim(key string, hash Hash) (a *attempt[T], mine bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if a, ok := k.attempts.Get(key); ok && time.Since(a.started) < keyTTL {
		return a, false
	}
	a = &attempt[T]{hash: hash, started: time.Now(), done: make(chan struct{})}
	k.attempts.Add(key, a)
	return a, true
}

// run runs an attempt, and forgets its key if it failed without an effect.
func (k *Keys[T]) run(ctx context.Context, key string, a *attempt[T], run func() (T, bool, error)) {
	defer close(a.done)
	var effect bool
	if a.result, effect, a.err = run(); a.err == nil || effect {
		return
	}
	a.canceled = ctx.Err() != nil
	k.mu.Lock()
	defer k.mu.Unlock()
	if now, ok := k.attempts.Peek(key); ok && now == a {
		k.attempts.Remove(key)
	}
}
