package store

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// fakeShared is a shared store in memory.
type fakeShared struct {
	values  map[string]Value
	err     error // of Get and Lock
	locked  bool
	reads   int
	changes []Change // of the last Write
}

func (f *fakeShared) Get(_ context.Context, key string) (Value, bool, error) {
	f.reads++
	v, ok := f.values[key]
	return v, ok, f.err
}

func (f *fakeShared) Lock(context.Context) (string, error) {
	if f.err != nil {
		return "", f.err
	}
	f.locked = true
	return "lock", nil
}

func (f *fakeShared) Unlock(string) { f.locked = false }

func (f *fakeShared) Write(_ context.Context, _ string, changes []Change) error {
	f.locked, f.changes = false, changes
	return f.err
}

// TestSharedCommit checks that a transaction reads each value once under the lock, and writes all changes with it.
func TestSharedCommit(t *testing.T) {
	expires := time.Now().Add(time.Hour)
	shared := &fakeShared{values: map[string]Value{"n": {Data: "41", Expires: expires}, "old": {Data: "x"}}}
	tx := begin(New(shared, time.Now))
	if n, err := tx.Add("n", 1, 0, unlimited, free); n != 42 || err != nil {
		t.Errorf("add: %d, %v", n, err)
	}
	for range 2 {
		wantValue(t, tx, "old", "x")
		wantValue(t, tx, "none", "")
	}
	if err := errors.Join(tx.Delete("old", unlimited), tx.Set("new", "v", time.Minute, unlimited)); err != nil {
		t.Error(err)
	}
	if shared.reads != 4 || !shared.locked {
		t.Errorf("%d reads, locked %v", shared.reads, shared.locked)
	}
	commit(t, tx)
	c := shared.changes
	if len(c) != 3 || shared.locked {
		t.Fatalf("%v is written, locked %v", c, shared.locked)
	}
	if c[0].Value != (Value{Data: "42", Expires: expires}) || c[1].Key != "old" || !c[1].Delete ||
		c[2].Value.TTL != time.Minute {
		t.Errorf("%v is written", c)
	}
}

func TestSharedRollback(t *testing.T) {
	shared := &fakeShared{}
	s := New(shared, time.Now)
	tx := begin(s)
	if err := tx.Set("k", "v", 0, unlimited); err != nil || !shared.locked {
		t.Errorf("set: %v, locked %v", err, shared.locked)
	}
	tx.Rollback()
	if shared.locked || shared.changes != nil || len(s.writer) > 0 {
		t.Errorf("locked %v, written %v", shared.locked, shared.changes)
	}
}

// TestLockFails checks that a transaction that could not lock the shared store does not wait for itself when it tries
// again, and then holds nothing.
func TestLockFails(t *testing.T) {
	s := New(&fakeShared{err: errors.New("down")}, time.Now)
	var tx Tx
	waits := 0
	tx.OnWait(func() { waits++ })
	tx.Begin(s, time.Hour)
	for range 2 {
		if err := tx.Set("key", "v", 0, unlimited); err != abi.Unavailable {
			t.Errorf("set: %v", err)
		}
	}
	if _, err := tx.Get("key"); err != abi.Unavailable || waits != 2 {
		t.Errorf("get: %v, after %d waits", err, waits)
	}
	tx.Rollback()
	if len(s.writer) > 0 {
		t.Error("the right to write is still held")
	}
}

func TestSharedTimeout(t *testing.T) {
	tx := begin(New(&fakeShared{err: context.DeadlineExceeded}, time.Now))
	if _, err := tx.Get("k"); err != abi.Timeout {
		t.Errorf("get: %v", err)
	}
	if err := tx.Set("k", "v", 0, unlimited); err != abi.Timeout {
		t.Errorf("set: %v", err)
	}
}
