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
	n  int // bytes, as entryBytes counts them
}

type stored struct {
	value   string
	expires time.Time // zero: never
}

// entryOverhead is what an entry of a map takes beside its key and value,
// about: without it millions of tiny ones would cost little on paper.
const entryOverhead = 64

func entryBytes(key, value int) int { return key + value + entryOverhead }

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
		s.n -= entryBytes(len(key), len(v.value))
		delete(s.m, key)
	}
}

// sweep forgets what has expired.
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
	s       *store
	held    bool // the token of s.writing is ours
	late    bool // take the token in commit only: see loadEnv
	keys    []string
	dirty   map[string]*stored // nil: deleted
	sums    map[string]int64   // of late: what was added to a number of others
	written int                // bytes of all writes
	grown   int                // bytes by which the store will grow
}

// begin takes the right to write, and waits for it at most as long as a hook
// may run.
func (t *storeTx) begin(s *store, wait time.Duration) error {
	if t.dirty != nil {
		return nil
	}
	t.s = s
	if t.late {
		t.dirty, t.sums = map[string]*stored{}, map[string]int64{}
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
	t.held = true
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

// put changes a key. before is what it has taken so far, in bytes.
func (t *storeTx) put(key string, v *stored, before int) {
	if _, ok := t.dirty[key]; !ok {
		t.keys = append(t.keys, key)
	}
	t.dirty[key] = v
	t.grown -= before
	if v != nil {
		t.written += len(key) + len(v.value)
		t.grown += entryBytes(len(key), len(v.value))
	}
}

// bytes is how much a key takes, as the transaction sees it.
func (t *storeTx) bytes(s *store, key string) int {
	if v, ok := t.get(s, key); ok {
		return entryBytes(len(key), len(v.value))
	}
	return 0
}

// redo adds the sums of a late transaction to what the store has by now.
func (t *storeTx) redo() {
	for key, delta := range t.sums {
		v, ok := t.s.get(key)
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(v.value, 10, 64)
		if sum, ok := add(n, delta); err == nil && ok {
			v.value = strconv.FormatInt(sum, 10)
		}
		t.dirty[key] = &v
	}
}

// commit makes the changes visible and ends the transaction.
func (t *storeTx) commit() {
	if t.dirty == nil {
		return
	}
	s := t.s
	if t.late {
		s.writing <- struct{}{}
		t.held = true
		t.redo()
	}
	s.mu.Lock()
	for _, k := range t.keys {
		s.remove(k)
		if v := t.dirty[k]; v != nil {
			s.m[k] = *v
			s.n += entryBytes(len(k), len(v.value))
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
	if !validName(key) {
		return dst, abi.Invalid
	}
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
	if err := c.storePut(string(key), v); err != nil {
		return err
	}
	delete(c.tx.sums, string(key))
	return nil
}

func (c *call) storePut(key string, v stored) error {
	if err := c.tx.begin(c.ch.store, c.set.limits.Deadline); err != nil {
		return err
	}
	l, n, before := &c.set.limits, entryBytes(len(key), len(v.value)), c.tx.bytes(c.ch.store, key)
	switch {
	case n > before && c.ch.store.size()+c.tx.grown+n-before > l.StoreBytes,
		c.kept()+len(key)+len(v.value) > l.HookBytes, c.effects() >= l.HookEffects:
		return abi.Limit
	}
	c.tx.put(key, &v, before)
	return nil
}

// StoreDelete implements Env.
func (c *call) StoreDelete(key []byte) error {
	if !validName(key) {
		return abi.Invalid
	}
	if err := c.tx.begin(c.ch.store, c.set.limits.Deadline); err != nil {
		return err
	}
	v, ok := c.tx.get(c.ch.store, string(key))
	switch {
	case !ok:
		return abi.NotFound
	case c.effects() >= c.set.limits.HookEffects:
		return abi.Limit
	}
	c.tx.put(string(key), nil, entryBytes(len(key), len(v.value)))
	delete(c.tx.sums, string(key))
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
	_, own := c.tx.dirty[string(key)]
	was, sums := c.tx.sums[string(key)]
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
	n, ok = add(n, delta)
	if !ok {
		return 0, abi.Limit
	}
	v.value = strconv.FormatInt(n, 10)
	if err := c.storePut(string(key), v); err != nil {
		return 0, err
	}
	if c.tx.late && (sums || !own) {
		c.tx.sums[string(key)] = was + delta
	}
	return n, nil
}

// add is n + delta; false: it does not fit.
func add(n, delta int64) (int64, bool) {
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, false
	}
	return n + delta, true
}
