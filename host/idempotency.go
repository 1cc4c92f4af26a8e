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
}

func newOnce() *once {
	keys, err := simplelru.NewLRU[string, *first](maxKeys, nil)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &once{keys: keys}
}

// do runs publish, unless the key of p is known: then it waits for the first
// one and gives its answer. A publication that failed is not remembered, unless
// some of it went out.
func (o *once) do(ctx context.Context, p Publication, publish func() (Delivery, error)) (Delivery, error) {
	sum := sumOf(p)
	o.mu.Lock()
	f, known := o.keys.Get(p.Key)
	if known && time.Since(f.at) < keyTTL {
		o.mu.Unlock()
		return f.again(ctx, sum)
	}
	f = &first{sum: sum, at: time.Now(), done: make(chan struct{})}
	o.keys.Add(p.Key, f)
	o.mu.Unlock()
	f.d, f.err = publish()
	if f.err != nil && f.d.Sockets == 0 {
		o.mu.Lock()
		if now, ok := o.keys.Peek(p.Key); ok && now == f {
			o.keys.Remove(p.Key)
		}
		o.mu.Unlock()
	}
	close(f.done)
	return f.d, f.err
}

// again answers a publication whose key is known.
func (f *first) again(ctx context.Context, sum [sha256.Size]byte) (Delivery, error) {
	if f.sum != sum {
		return Delivery{}, ErrKeyReused
	}
	select {
	case <-f.done:
	case <-ctx.Done():
		return Delivery{}, ctx.Err()
	}
	d := f.d
	d.Duplicate = true
	return d, f.err
}

// sumOf is a hash of everything in a publication but its key.
func sumOf(p Publication) (sum [sha256.Size]byte) {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %t %d ", p.Route, p.Room, p.Users, p.All, p.Kind)
	h.Write(p.Data)
	return [sha256.Size]byte(h.Sum(nil))
}
