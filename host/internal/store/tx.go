package store

import (
	"fmt"
	"math"
	"strconv"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// deferredWait bounds how long the Prepare of a deferred transaction waits for the right to write to a shared store.
const deferredWait = 5 * time.Second

// Limits bound what a transaction may change. A method that would exceed one changes nothing and returns abi.Limit.
type Limits struct {
	StoreBytes int // size of a store in memory with the changes; a shared store has no such limit
	TxBytes    int // keys and values that the transaction writes
	Changes    int // keys that it changes
}

// Tx is a transaction of one hook. The zero value has changed nothing and holds nothing. After Begin, the first method
// that writes acquires the right to write to the store, and the transaction holds it until Commit or Rollback.
// A Tx belongs to one goroutine.
//
// Methods return abi.NotFound for a key without a value, abi.Timeout if the hook has waited as long as it may, and
// abi.Unavailable if a shared store does not answer.
type Tx struct {
	// Deferred makes the transaction acquire the right to write in Prepare, so that a long hook does not keep others
	// from the store. It is set before the first use. The transaction reads the store as it is, and Add adds again in
	// Prepare, to the number that the store has then.
	Deferred bool

	store    *Store
	wait     time.Duration // bounds the time that the hook waits, all methods together
	deadline time.Time     // end of that time; zero: the hook has not waited yet
	onWait   func()        // called before the hook waits; may be nil

	holdsWriter bool              // the token of store.writer
	lock        string            // of the shared store; empty: not held
	cache       map[string]cached // what was read from the shared store while the lock was held

	writing bool // the transaction may change keys
	changes []Change
	index   map[string]int   // in changes
	added   map[string]int64 // sums of Add for keys that the transaction has not set; Deferred only
	written int              // bytes of all writes
	growth  int              // bytes by which the changes make the store grow
}

// cached is a value that was read; ok is false if the key had none.
type cached struct {
	Value
	ok bool
}

// Begin binds the transaction to a store. wait bounds the time that its methods wait, all together. Prepare may wait as
// long again, or for deferredWait if the transaction is deferred. Begin has no effect on a transaction that has begun.
func (t *Tx) Begin(s *Store, wait time.Duration) {
	if t.store == nil {
		t.store, t.wait = s, wait
	}
}

// OnWait registers a function that is called before a method waits for another transaction or the shared store. nil
// removes it.
func (t *Tx) OnWait(f func()) { t.onWait = f }

// Changes returns the number of keys that the transaction has changed.
func (t *Tx) Changes() int { return len(t.changes) }

// Written returns the number of bytes that the transaction has written: keys and values, of each write.
func (t *Tx) Written() int { return t.written }

// Get returns a value as the transaction sees it.
func (t *Tx) Get(key string) (string, error) {
	v, ok, err := t.get(key)
	switch {
	case err != nil:
		return "", err
	case !ok:
		return "", abi.NotFound
	}
	return v.Data, nil
}

// Set changes a value. ttl is its time to live; 0: it does not expire.
func (t *Tx) Set(key, data string, ttl time.Duration, l Limits) error {
	v := Value{Data: data}
	t.expireAfter(&v, ttl)
	if err := t.beginWrite(); err != nil {
		return err
	}
	before, ok, err := t.get(key)
	if err != nil {
		return err
	}
	if err := t.put(key, v, sizeOf(key, before, ok), l); err != nil {
		return err
	}
	delete(t.added, key)
	return nil
}

// Delete deletes a value.
func (t *Tx) Delete(key string, l Limits) error {
	if err := t.beginWrite(); err != nil {
		return err
	}
	v, ok, err := t.get(key)
	switch {
	case err != nil:
		return err
	case !ok:
		return abi.NotFound
	case len(t.changes) >= l.Changes:
		return abi.Limit
	}
	t.growth -= sizeOf(key, v, true)
	t.change(Change{Key: key, Delete: true})
	delete(t.added, key)
	return nil
}

// Add adds delta to a decimal number and returns the sum. A key without a value counts as 0 and gets the time to live
// ttl; 0: it does not expire. Add returns abi.Invalid if the value is not a number, and abi.Limit if the sum is not an
// int64. It calls charge with the length of the value before it parses it.
func (t *Tx) Add(key string, delta int64, ttl time.Duration, l Limits, charge func(bytes int)) (int64, error) {
	if err := t.beginWrite(); err != nil {
		return 0, err
	}
	v, ok, err := t.get(key)
	if err != nil {
		return 0, err
	}
	before := sizeOf(key, v, ok)
	var n int64
	if ok {
		charge(len(v.Data)) // leading zeros make it as long as any value
		if n, err = strconv.ParseInt(v.Data, 10, 64); err != nil {
			return 0, abi.Invalid
		}
	} else {
		t.expireAfter(&v, ttl)
	}
	if n, ok = add(n, delta); !ok {
		return 0, abi.Limit
	}
	v.Data = strconv.FormatInt(n, 10)
	_, changed := t.index[key]
	if err := t.put(key, v, before, l); err != nil {
		return 0, err
	}
	if sum, added := t.added[key]; t.Deferred && (added || !changed) {
		if t.added == nil {
			t.added = map[string]int64{}
		}
		t.added[key] = sum + delta
	}
	return n, nil
}

// Prepare does what can fail in a commit: it acquires the right to write for a deferred transaction, and writes to a
// shared store, for which the changes are then final. On error nothing has changed, unless the answer of the shared
// store was lost.
func (t *Tx) Prepare() error {
	if !t.writing {
		return nil
	}
	if t.Deferred {
		if err := t.catchUp(); err != nil {
			return fmt.Errorf("the store: %w", err)
		}
	}
	if t.store.shared == nil {
		return nil
	}
	lock := t.lock
	t.lock = "" // Write releases it
	// The hook may have used up its time to wait. Prepare gets the whole of it again and does not fail for that.
	return t.store.write(lock, t.changes, t.wait)
}

// Commit makes the changes in memory visible and ends the transaction. It follows Prepare and cannot fail.
func (t *Tx) Commit() {
	if t.writing && t.store.shared == nil {
		t.store.apply(t.changes)
	}
	t.Rollback()
}

// Rollback drops the changes, unless they are committed, and ends the transaction. t is then a zero value.
func (t *Tx) Rollback() {
	if t.lock != "" {
		t.store.shared.Unlock(t.lock)
	}
	if t.holdsWriter {
		<-t.store.writer
	}
	*t = Tx{}
}

// beginWrite acquires the right to write, unless the transaction has it or is deferred.
func (t *Tx) beginWrite() error {
	if t.writing {
		return nil
	}
	if !t.Deferred {
		if err := t.acquire(); err != nil {
			return err
		}
	}
	t.writing = true
	return nil
}

// acquire acquires the right to write: against transactions of this node, then against those of other nodes.
func (t *Tx) acquire() (err error) {
	if t.holdsWriter { // an earlier attempt has failed at the lock of the shared store
		return abi.Unavailable
	}
	select {
	case t.store.writer <- struct{}{}:
	default:
		t.waits()
		timer := time.NewTimer(t.timeLeft())
		defer timer.Stop()
		select {
		case t.store.writer <- struct{}{}:
		case <-timer.C:
			return abi.Timeout
		}
	}
	t.holdsWriter = true
	if t.store.shared != nil {
		t.waits()
		t.lock, err = t.store.lock(t.timeLeft())
	}
	return err
}

// catchUp acquires the right to write for a deferred transaction and adds its sums to the numbers of the store.
func (t *Tx) catchUp() error {
	if t.store.shared == nil { // other transactions end soon, so that there is no need of a bound
		t.store.writer <- struct{}{}
		t.holdsWriter = true
	} else {
		t.wait, t.deadline = deferredWait, time.Time{} // the time in which the hook may wait may be over
		if err := t.acquire(); err != nil {
			return err
		}
	}
	for key, sum := range t.added {
		v, ok, err := t.store.read(key, deferredWait)
		if err != nil {
			return err
		}
		if !ok {
			continue
		}
		n, err := strconv.ParseInt(v.Data, 10, 64)
		if n, ok := add(n, sum); err == nil && ok {
			v.Data = strconv.FormatInt(n, 10)
		}
		t.changes[t.index[key]].Value = v
	}
	return nil
}

// waits announces that the hook is about to wait.
func (t *Tx) waits() {
	if t.onWait != nil {
		t.onWait()
	}
}

// timeLeft returns how long the hook may still wait. The time runs from the first call on.
func (t *Tx) timeLeft() time.Duration {
	if t.deadline.IsZero() {
		t.deadline = time.Now().Add(t.wait)
	}
	return max(time.Until(t.deadline), 0)
}

// get returns a value as the transaction sees it. ok is false if the key has none.
func (t *Tx) get(key string) (v Value, ok bool, err error) {
	s := t.store
	if i, changed := t.index[key]; changed {
		c := &t.changes[i]
		// The clock of a shared store is not ours, and a hook is short: what it has set does not expire meanwhile.
		if c.Delete || s.shared == nil && c.Value.expired(s.now()) {
			return Value{}, false, nil
		}
		return c.Value, true, nil
	}
	if s.shared == nil {
		v, ok := s.get(key)
		return v, ok, nil
	}
	if c, known := t.cache[key]; known && t.lock != "" {
		return c.Value, c.ok, nil
	}
	t.waits()
	v, ok, err = s.read(key, t.timeLeft())
	if err == nil && t.lock != "" { // nobody else can change it
		if t.cache == nil {
			t.cache = map[string]cached{}
		}
		t.cache[key] = cached{v, ok}
	}
	return v, ok, err
}

// put changes a value. before is the size of the entry as the transaction has seen it; 0: there was none.
func (t *Tx) put(key string, v Value, before int, l Limits) error {
	n := sizeOf(key, v, true)
	switch {
	case t.store.shared == nil && n > before && t.store.Size()+t.growth+n-before > l.StoreBytes,
		t.written+len(key)+len(v.Data) > l.TxBytes,
		len(t.changes) >= l.Changes:
		return abi.Limit
	}
	t.written += len(key) + len(v.Data)
	t.growth += n - before
	t.change(Change{Key: key, Value: v})
	return nil
}

// change records a change, in place of an earlier one of the same key.
func (t *Tx) change(c Change) {
	if i, ok := t.index[c.Key]; ok {
		t.changes[i] = c
		return
	}
	if t.index == nil {
		t.index = map[string]int{}
	}
	t.index[c.Key] = len(t.changes)
	t.changes = append(t.changes, c)
}

// expireAfter sets the expiry of a value that the transaction writes.
func (t *Tx) expireAfter(v *Value, ttl time.Duration) {
	if ttl > 0 {
		v.Expires, v.TTL = t.store.now().Add(ttl), ttl
	}
}

// sizeOf returns the size of an entry; 0 if there is none.
func sizeOf(key string, v Value, ok bool) int {
	if !ok {
		return 0
	}
	return EntryBytes(len(key), len(v.Data))
}

// add returns n + delta. ok is false if the sum is not an int64.
func add(n, delta int64) (sum int64, ok bool) {
	if delta > 0 && n > math.MaxInt64-delta || delta < 0 && n < math.MinInt64-delta {
		return 0, false
	}
	return n + delta, true
}
