// Package logonce decides which repeated events are logged.
package logonce

import (
	"sync"
	"time"

	"github.com/hashicorp/golang-lru/v2/simplelru"
	"golang.org/x/time/rate"
)

const (
	// maxKeys is how many keys are remembered. The least recently used one is
	// forgotten first.
	maxKeys = 256
	// keyTTL is how long a key is not logged again.
	keyTTL = time.Hour
	// logBurst and logInterval bound the lines, as keys may be a client's choice.
	logBurst    = 10
	logInterval = 10 * time.Second
)

// Keys remembers the keys of events that were logged. Methods may be called
// concurrently.
type Keys struct {
	now     func() time.Time
	mu      sync.Mutex
	logged  *simplelru.LRU[string, time.Time]
	limiter *rate.Limiter
}

// New returns Keys that remember nothing.
func New() *Keys {
	logged, err := simplelru.NewLRU[string, time.Time](maxKeys, nil)
	if err != nil {
		panic(err) // only for a size of 0
	}
	return &Keys{now: time.Now, logged: logged, limiter: rate.NewLimiter(rate.Every(logInterval), logBurst)}
}

// First reports whether an event with a key is to be logged: its key was not logged
// within the last hour, and not too many lines were.
func (k *Keys) First(key string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.now()
	if at, ok := k.logged.Get(key); ok && now.Sub(at) < keyTTL {
		return false
	}
	if !k.limiter.AllowN(now, 1) {
		return false
	}
	k.logged.Add(key, now)
	return true
}
