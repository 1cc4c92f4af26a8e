package host

import (
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// store is the key-value store of a channel, in memory. Hooks that write to
// it do so one at a time, each in a transaction: this is what makes increments
// atomic, and a failing hook leave nothing behind.
type store struct {
	writing chan struct{} // holds a token while a transaction writes
	now     func() time.Time

	mu sync.Mutex
	m  map[string]stored
	n  int // bytes of keys and values
}

type stored struct {
	value   string
	expires time.Time // zero: never
}

func (s stored) expired(now time.Time) bool { return !s.expires.IsZero() && !now.Before(s.expires) }

func newStore() *store {
	return &store{writing: make(chan struct{}, 1), now: time.Now, m: map[string]stored{}}
}

func (s *store) get(key string) (stored, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	v, ok := s.m[key]
	if ok && v.expired(s.now()) {
		s.remove(key)
		return stored{}, false
	}
	return v, ok
}

func (s *store) remove(key string) {
	if v, ok := s.m[key]; ok {
		s.n -= len(key) + len(v.value)
		delete(s.m, key)
	}
}

// sweep forgets what has expired; next is when the next entry does.
func (s *store) sweep(now time.Time) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for k, v := range s.m {
		if v.expired(now) {
			s.remove(k)
		}
	}
}

func (s *store) size() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.n
}

// storeTx is what one hook changes. The zero value has changed nothing.
type storeTx struct {
	s     *store
	held  bool // the token of s.writing is ours
	keys  []string
	dirty map[string]*stored // nil: deleted
	grown int                // bytes added
}

// begin takes the right to write, and waits for it at most as long as a hook
// may run.
func (t *storeTx) begin(s *store, wait time.Duration) error {
	if t.held {
		return nil
	}
	select {
	case s.writing <- struct{}{}:
	default:
		timer := time.NewTimer(wait)
		defer timer.Stop()
		select {
		case s.writing <- struct{}{}:
		case <-timer.C:
			return abi.Timeout
		}
	}
	t.s, t.held = s, true
	t.dirty = map[string]*stored{}
	return nil
}

func (t *storeTx) get(s *store, key string) (stored, bool) {
	if v, ok := t.dirty[key]; ok {
		if v == nil || v.expired(s.now()) {
			return stored{}, false
		}
		return *v, true
	}
	return s.get(key)
}

func (t *storeTx) put(key string, v *stored) {
	if _, ok := t.dirty[key]; !ok {
		t.keys = append(t.keys, key)
	}
	t.dirty[key] = v
}

// commit makes the changes visible and ends the transaction.
func (t *storeTx) commit() {
	if !t.held {
		return
	}
	s := t.s
	s.mu.Lock()
	for _, k := range t.keys {
		s.remove(k)
		if v := t.dirty[k]; v != nil {
			s.m[k] = *v
			s.n += len(k) + len(v.value)
		}
	}
	s.mu.Unlock()
	t.end()
}

// end ends the transaction; without commit its changes are gone.
func (t *storeTx) end() {
	if t.held {
		<-t.s.writing
	}
	*t = storeTx{}
}

// AppendStore implements Env.
func (c *call) AppendStore(dst, key []byte) ([]byte, error) {
	v, ok := c.tx.get(c.ch.store, string(key))
	if !ok {
		return dst, abi.NotFound
	}
	return append(dst, v.value...), nil
}

// StoreSet implements Env.
func (c *call) StoreSet(key, data []byte, ttl time.Duration) error {
	if !validName(key) || ttl < 0 {
		return abi.Invalid
	}
	v := stored{value: string(data)}
	if ttl > 0 {
		v.expires = time.Now().Add(ttl)
	}
	return c.storePut(string(key), v)
}

func (c *call) storePut(key string, v stored) error {
	if err := c.tx.begin(c.ch.store, c.set.limits.Deadline); err != nil {
		return err
	}
	n := len(key) + len(v.value)
	if c.ch.store.size()+c.tx.grown+n > c.set.limits.StoreBytes || len(c.tx.keys) >= c.set.limits.HookEffects {
		return abi.Limit
	}
	c.tx.grown += n
	c.tx.put(key, &v)
	return nil
}

// StoreDelete implements Env.
func (c *call) StoreDelete(key []byte) error {
	if err := c.tx.begin(c.ch.store, c.set.limits.Deadline); err != nil {
		return err
	}
	if _, ok := c.tx.get(c.ch.store, string(key)); !ok {
		return abi.NotFound
	}
	c.tx.put(string(key), nil)
	return nil
}

// StoreAdd implements Env.
func (c *call) StoreAdd(key []byte, delta int64, ttl time.Duration) (int64, error) {
	if !validName(key) || ttl < 0 {
		return 0, abi.Invalid
	}
	if err := c.tx.begin(c.ch.store, c.set.limits.Deadline); err != nil {
		return 0, err
	}
	v, ok := c.tx.get(c.ch.store, string(key))
	var n int64
	switch {
	case ok:
		var err error
		if n, err = strconv.ParseInt(v.value, 10, 64); err != nil {
			return 0, abi.Invalid
		}
	case ttl > 0:
		v.expires = time.Now().Add(ttl)
	}
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, abi.Limit
	}
	n += delta
	v.value = strconv.FormatInt(n, 10)
	return n, c.storePut(string(key), v)
}
