package host

import (
	"fmt"
	"math"
	"strconv"
	"sync"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// store is the key-value store of a channel, in memory or shared by the nodes
// of a cluster. Hooks that write to it do so one at a time, each in a transaction: this is
// what makes increments atomic, and a failing hook leave nothing behind.
type store struct {
	writing chan struct{} // holds a token while a transaction writes
	now     func() time.Time
	shared  *sharedStore // where the values are; nil: here

	mu sync.Mutex
	m  map[string]stored
	n  int // bytes, as entryBytes counts them
}

type stored struct {
	value   string
	expires time.Time     // zero: never
	ttl     time.Duration // of one that is to be written: what expires was made of; 0: it had its end before
}

// entryOverhead is what an entry of a map takes beside its key and value,
// about: without it millions of tiny ones would cost little on paper.
const entryOverhead = 64

func entryBytes(key, value int) int { return key + value + entryOverhead }

func (s stored) expired(now time.Time) bool { return !s.expires.IsZero() && !now.Before(s.expires) }

func newStore(shared *sharedStore, now func() time.Time) *store {
	return &store{writing: make(chan struct{}, 1), now: now, shared: shared, m: map[string]stored{}}
}

// read gives a value, and waits for it at most so long.
func (s *store) read(key string, wait time.Duration) (stored, bool, error) {
	if s.shared != nil {
		return s.shared.read(key, wait)
	}
	v, ok := s.get(key)
	return v, ok, nil
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
	held    bool               // the token of s.writing is ours
	lock    string             // of a shared store, while it is ours; empty: it is not
	known   map[string]*stored // of a shared store: what was read under the lock
	until   time.Time          // when the hook has waited long enough; zero: it has not waited
	wait    time.Duration      // how long that was to be, from the first wait on
	late    bool               // take the token in commit only: see loadEnv
	keys    []string
	dirty   map[string]*stored // nil: deleted
	sums    map[string]int64   // of late: what was added to a number of others
	written int                // bytes of all writes
	grown   int                // bytes by which the store will grow
	waits   func()             // called before the hook waits; nil: nobody has to know
}

// OnWait implements plugin.Waiter.
func (c *call) OnWait(f func()) { c.tx.waits = f }

// waiting says that the hook is about to wait.
func (t *storeTx) waiting() {
	if t.waits != nil {
		t.waits()
	}
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
	if err := t.take(wait); err != nil {
		return err
	}
	t.dirty = map[string]*stored{}
	return nil
}

// take takes the right to write.
func (t *storeTx) take(wait time.Duration) (err error) {
	if t.held { // the lock of a shared store could not be had, and the hook goes on
		return abi.Unavailable
	}
	select {
	case t.s.writing <- struct{}{}:
	default:
		t.waiting()
		timer := time.NewTimer(t.left(wait))
		defer timer.Stop()
		select {
		case t.s.writing <- struct{}{}:
		case <-timer.C:
			return abi.Timeout
		}
	}
	t.held = true
	if t.s.shared != nil {
		t.waiting()
		t.lock, err = t.s.shared.lock(t.left(wait))
	}
	return err
}

// left is how long the hook may still wait, of all that it may.
func (t *storeTx) left(wait time.Duration) time.Duration {
	if t.until.IsZero() {
		t.until, t.wait = time.Now().Add(wait), wait
	}
	return max(time.Until(t.until), 0)
}

// get gives a value as the transaction sees it.
func (t *storeTx) get(s *store, key string, wait time.Duration) (stored, bool, error) {
	if v, ok := t.dirty[key]; ok {
		// In a shared store the clock of Redis counts, and a hook is short.
		if v == nil || s.shared == nil && v.expired(s.now()) {
			return stored{}, false, nil
		}
		return *v, true, nil
	}
	if s.shared == nil {
		v, ok := s.get(key)
		return v, ok, nil
	}
	if v, ok := t.known[key]; ok && t.lock != "" {
		if v == nil {
			return stored{}, false, nil
		}
		return *v, true, nil
	}
	t.waiting()
	v, ok, err := s.read(key, t.left(wait))
	if err == nil && t.lock != "" { // nobody else can change it
		if t.known == nil {
			t.known = map[string]*stored{}
		}
		if t.known[key] = nil; ok {
			t.known[key] = &v
		}
	}
	return v, ok, err
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
func (t *storeTx) bytes(s *store, key string, wait time.Duration) (int, error) {
	v, ok, err := t.get(s, key, wait)
	if !ok {
		return 0, err
	}
	return entryBytes(len(key), len(v.value)), nil
}

// redo adds the sums of a late transaction to what the store has by now.
func (t *storeTx) redo() error {
	for key, delta := range t.sums {
		v, ok, err := t.s.read(key, lateWait)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(v.value, 10, 64)
		if sum, ok := add(n, delta); err == nil && ok {
			v.value = strconv.FormatInt(sum, 10)
		}
		t.dirty[key] = &v
	}
	return nil
}

// lateWait is how long on_load may wait for the right to write.
const lateWait = 5 * time.Second

// save does what can fail: it makes the changes of a late transaction final,
// and writes to a shared store.
func (t *storeTx) save() (err error) {
	if t.dirty == nil {
		return nil
	}
	if t.late {
		if t.s.shared == nil { // who has it gives it back soon
			t.s.writing <- struct{}{}
			t.held = true
		} else if err := t.take(lateWait); err != nil {
			return fmt.Errorf("the store: %w", err)
		}
		if err := t.redo(); err != nil {
			return fmt.Errorf("the store: %w", err)
		}
	}
	if t.s.shared == nil {
		return nil
	}
	lock := t.lock
	t.lock = "" // it is given back together with what is written
	// Once more as long as the hook might wait: little of that may be left, and this is not to fail for it.
	return t.s.shared.write(lock, t.keys, t.dirty, t.wait)
}

// commit makes the changes visible and ends the transaction. It comes after save.
func (t *storeTx) commit() {
	if t.dirty == nil {
		return
	}
	if s := t.s; s.shared == nil {
		s.mu.Lock()
		for _, k := range t.keys {
			s.remove(k)
			if v := t.dirty[k]; v != nil {
				s.m[k] = *v
				s.n += entryBytes(len(k), len(v.value))
			}
		}
		s.mu.Unlock()
	}
	t.end()
}

// end ends the transaction; without commit its changes are gone.
func (t *storeTx) end() {
	if t.lock != "" {
		t.s.shared.unlock(t.lock)
	}
	if t.held {
		<-t.s.writing
	}
	*t = storeTx{}
}

// AppendStore implements plugin.Env.
func (c *call) AppendStore(dst, key []byte) ([]byte, error) {
	if !validName(key) {
		return dst, abi.Invalid
	}
	v, ok, err := c.tx.get(c.rt.store, string(key), c.set.limits.Deadline)
	switch {
	case err != nil:
		return dst, err
	case !ok:
		return dst, abi.NotFound
	}
	return append(dst, v.value...), nil
}

// StoreSet implements plugin.Env.
func (c *call) StoreSet(key, data []byte, ttl time.Duration) error {
	if !validName(key) || ttl < 0 {
		return abi.Invalid
	}
	v := stored{value: string(data)}
	if ttl > 0 {
		v.expires, v.ttl = c.rt.store.now().Add(ttl), ttl
	}
	if err := c.storePut(string(key), v); err != nil {
		return err
	}
	delete(c.tx.sums, string(key))
	return nil
}

func (c *call) storePut(key string, v stored) error {
	if err := c.tx.begin(c.rt.store, c.set.limits.Deadline); err != nil {
		return err
	}
	l, n := &c.set.limits, entryBytes(len(key), len(v.value))
	before, err := c.tx.bytes(c.rt.store, key, l.Deadline)
	switch {
	case err != nil:
		return err
	case c.rt.store.shared == nil && n > before && c.rt.store.size()+c.tx.grown+n-before > l.StoreBytes,
		c.effectBytes()+len(key)+len(v.value) > l.HookBytes, c.effectCount() >= l.HookEffects:
		return abi.Limit
	}
	c.tx.put(key, &v, before)
	return nil
}

// StoreDelete implements plugin.Env.
func (c *call) StoreDelete(key []byte) error {
	if !validName(key) {
		return abi.Invalid
	}
	if err := c.tx.begin(c.rt.store, c.set.limits.Deadline); err != nil {
		return err
	}
	v, ok, err := c.tx.get(c.rt.store, string(key), c.set.limits.Deadline)
	switch {
	case err != nil:
		return err
	case !ok:
		return abi.NotFound
	case c.effectCount() >= c.set.limits.HookEffects:
		return abi.Limit
	}
	c.tx.put(string(key), nil, entryBytes(len(key), len(v.value)))
	delete(c.tx.sums, string(key))
	return nil
}

// StoreAdd implements plugin.Env.
func (c *call) StoreAdd(key []byte, delta int64, ttl time.Duration) (int64, error) {
	if !validName(key) || ttl < 0 {
		return 0, abi.Invalid
	}
	if err := c.tx.begin(c.rt.store, c.set.limits.Deadline); err != nil {
		return 0, err
	}
	v, ok, err := c.tx.get(c.rt.store, string(key), c.set.limits.Deadline)
	if err != nil {
		return 0, err
	}
	_, own := c.tx.dirty[string(key)]
	was, sums := c.tx.sums[string(key)]
	var n int64
	switch {
	case ok:
		c.charge(len(v.value)) // zeros in front are read, too
		if n, err = strconv.ParseInt(v.value, 10, 64); err != nil {
			return 0, abi.Invalid
		}
	case ttl > 0:
		v.expires, v.ttl = c.rt.store.now().Add(ttl), ttl
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
