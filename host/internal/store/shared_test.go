package store

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// fakeShared is a shared store in memory. Its methods return the error of a context that is done.
type fakeShared struct {
	values  map[string]Value
	err     error // returned by Get, Lock and Write
	locked  bool
	reads   int
	changes []Change // of the last Write
}

func (f *fakeShared) Get(ctx context.Context, key string) (Value, bool, error) {
	f.reads++
	v, ok := f.values[key]
	return v, ok, f.fail(ctx)
}

func (f *fakeShared) Lock(ctx context.Context) (string, error) {
	if err := f.fail(ctx); err != nil {
		return "", err
	}
	f.locked = true
	return "lock", nil
}

func (f *fakeShared) Unlock(string) { f.locked = false }

func (f *fakeShared) Write(ctx context.Context, _ string, changes []Change) error {
	f.locked, f.changes = false, changes
	return f.fail(ctx)
}

// fail returns the error that a method with the context returns.
func (f *fakeShared) fail(ctx context.Context) error {
	if f.err != nil {
		return f.err
	}
	return ctx.Err()
}

// TestSharedCommit checks that a transaction reads each value once under the lock, and writes all changes in one Write.
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

// TestSharedRollback checks that Rollback releases the lock and writes nothing.
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

// TestLockFails checks a transaction that cannot lock the shared store. A second attempt does not wait for the first
// one, and Rollback leaves nothing held.
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

// TestDeferredAfterDeadline checks that a deferred transaction commits although the time in which its hook may wait is
// over: a version may go live long after its on_load has run.
func TestDeferredAfterDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		shared := &fakeShared{values: map[string]Value{"n": {Data: "41"}}}
		tx := &Tx{Deferred: true}
		tx.Begin(New(shared, time.Now), 50*time.Millisecond)
		if n, err := tx.Add("n", 1, 0, unlimited, free); n != 42 || err != nil {
			t.Errorf("add: %d, %v", n, err)
		}
		time.Sleep(time.Second)
		commit(t, tx)
		if c := shared.changes; len(c) != 1 || c[0].Value.Data != "42" {
			t.Errorf("%v is written", c)
		}
	})
}

// TestSharedTimeout checks that a shared store that does not answer in time makes methods return abi.Timeout.
func TestSharedTimeout(t *testing.T) {
	tx := begin(New(&fakeShared{err: context.DeadlineExceeded}, time.Now))
	if _, err := tx.Get("k"); err != abi.Timeout {
		t.Errorf("get: %v", err)
	}
	if err := tx.Set("k", "v", 0, unlimited); err != abi.Timeout {
		t.Errorf("set: %v", err)
	}
}
