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

// ErrKeyReused says that the key of a publication was there before, with another
// publication.
var ErrKeyReused = errors.New("the key was used for another publication: make a new one for each")

// ErrKeySpent says that a publication with a key failed after some of it went out. The
// key gives the same answer for 5 minutes: what is missing needs another one, as nobody
// may get the rest twice.
var ErrKeySpent = errors.New("some of it went out, and the key is spent: send what is missing with another one")

// spentError is the error of a publication whose key is spent.
type spentError struct{ err error }

func (e *spentError) Error() string   { return ErrKeySpent.Error() + ": " + e.err.Error() }
func (e *spentError) Unwrap() []error { return []error{ErrKeySpent, e.err} }

// How many keys of publications are remembered, and for how long.
const (
	maxKeys = 10_000
	keyTTL  = 5 * time.Minute
)

// once has each key's publication happen once.
type once struct {
	mu   sync.Mutex
	keys *simplelru.LRU[string, *first]
}

// first is the first publication with a key.
type first struct {
	sum  [sha256.Size]byte
	at   time.Time
	done chan struct{} // closed when the rest is there
	d    Delivery
	err  error
	left bool // its request ended before anything went out: another may do it
}

func newOnce() *once {
	keys, err := simplelru.NewLRU[string, *first](maxKeys, nil)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &once{keys: keys}
}

// do runs publish, unless the key of p is known: then it waits for the first one and
// gives its answer, or takes its place if its request ends before anything went out. A
// publication that failed is not remembered, unless some of it went out.
func (o *once) do(ctx context.Context, p Publication, publish func() (Delivery, error)) (Delivery, error) {
	sum := sumOf(p)
	for {
		f, mine := o.claim(p.Key, sum)
		switch {
		case mine:
			o.run(ctx, p.Key, f, publish)
			return f.d, f.err
		case f.sum != sum:
			return Delivery{}, ErrKeyReused
		}
		select {
		case <-f.done:
		case <-ctx.Done():
			return Delivery{}, ctx.Err()
		}
		if !f.left {
			d := f.d
			d.Duplicate = true
			return d, f.err
		}
	}
}

// claim finds the first publication with a key. mine: it is the caller's.
func (o *once) claim(key string, sum [sha256.Size]byte) (f *first, mine bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if f, known := o.keys.Get(key); known && time.Since(f.at) < keyTTL {
		return f, false
	}
	f = &first{sum: sum, at: time.Now(), done: make(chan struct{})}
	o.keys.Add(key, f)
	return f, true
}

// run does a first publication, and forgets it where nothing of it went out.
func (o *once) run(ctx context.Context, key string, f *first, publish func() (Delivery, error)) {
	defer close(f.done)
	f.d, f.err = publish()
	switch {
	case f.err == nil:
		return
	case f.d.Sockets > 0:
		f.err = &spentError{f.err}
		return
	}
	f.left = ctx.Err() != nil
	o.mu.Lock()
	defer o.mu.Unlock()
	if now, ok := o.keys.Peek(key); ok && now == f {
		o.keys.Remove(key)
	}
}

// sumOf is a hash of everything in a publication but its key.
func sumOf(p Publication) (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %t %d ", p.Route, p.Room, p.Users, p.All, p.Kind)
	h.Write(p.Data)
	return [sha256.Size]byte(h.Sum(nil))
}
