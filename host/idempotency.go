package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
)

// ErrKeyReused says that the key of a publication was used before, for another publication.
var ErrKeyReused = errors.New("the key was used for another publication: make a new one for each")

// ErrKeySpent says that a publication with a key failed after a part of it was sent. The key gives the same answer for
// 5 minutes. The rest needs another key, so that no client receives the message twice.
var ErrKeySpent = errors.New("a part was sent, and the key is spent: send the rest with another key")

// KeySpentError is the error of a publication that failed after a part of it was sent. It wraps ErrKeySpent.
type KeySpentError struct {
	Err error // the failure
}

func (e *KeySpentError) Error() string { return ErrKeySpent.Error() + ": " + e.Err.Error() }

// Unwrap returns ErrKeySpent and the failure.
func (e *KeySpentError) Unwrap() []error { return []error{ErrKeySpent, e.Err} }

const (
	// maxKeys is how many keys of publications a node remembers. It forgets the least recently used one first.
	maxKeys = 10_000
	// keyTTL is how long a key is remembered.
	keyTTL = 5 * time.Minute
)

// idempotency runs the publications with the same key once.
type idempotency struct {
	mu       sync.Mutex
	attempts *simplelru.LRU[string, *attempt] // by key
}

// attempt is the first publication with a key. Its result is valid when done is closed.
type attempt struct {
	hash    [sha256.Size]byte // of the publication
	started time.Time
	done    chan struct{}

	delivery Delivery
	err      error
	canceled bool // its context ended before anything was sent: another caller may publish
}

func newIdempotency() *idempotency {
	attempts, err := simplelru.NewLRU[string, *attempt](maxKeys, nil)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &idempotency{attempts: attempts}
}

// do runs publish if the key of p is new. Otherwise it waits for the attempt that has the key and returns its result as
// a duplicate, or runs publish in its place if the attempt was canceled before anything was sent. A key whose
// publication failed is forgotten, unless a part was sent.
func (i *idempotency) do(ctx context.Context, p Publication, publish func() (Delivery, error)) (Delivery, error) {
	hash := hashOf(p)
	for {
		a, mine := i.claim(p.Key, hash)
		switch {
		case mine:
			i.run(ctx, p.Key, a, publish)
			return a.delivery, a.err
		case a.hash != hash:
			return Delivery{}, ErrKeyReused
		}
		select {
		case <-a.done:
		case <-ctx.Done():
			return Delivery{}, ctx.Err()
		}
		if !a.canceled {
			d := a.delivery
			d.Duplicate = true
			return d, a.err
		}
	}
}

// claim returns the attempt that has the key. If there is none it adds one, which the caller has to run: mine is true.
func (i *idempotency) claim(key string, hash [sha256.Size]byte) (a *attempt, mine bool) {
	i.mu.Lock()
	defer i.mu.Unlock()
	if a, ok := i.attempts.Get(key); ok && time.Since(a.started) < keyTTL {
		return a, false
	}
	a = &attempt{hash: hash, started: time.Now(), done: make(chan struct{})}
	i.attempts.Add(key, a)
	return a, true
}

// run runs an attempt, and forgets its key if it failed before anything was sent.
func (i *idempotency) run(ctx context.Context, key string, a *attempt, publish func() (Delivery, error)) {
	defer close(a.done)
	a.delivery, a.err = publish()
	switch {
	case a.err == nil:
		return
	case a.delivery.Sockets > 0:
		a.err = &KeySpentError{a.err}
		return
	}
	a.canceled = ctx.Err() != nil
	i.mu.Lock()
	defer i.mu.Unlock()
	if now, ok := i.attempts.Peek(key); ok && now == a {
		i.attempts.Remove(key)
	}
}

// hashOf returns a hash of all fields of a publication except its key.
func hashOf(p Publication) [sha256.Size]byte {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %t %d ", p.Route, p.Room, p.Users, p.All, p.Kind)
	h.Write(p.Data)
	return [sha256.Size]byte(h.Sum(nil))
}
