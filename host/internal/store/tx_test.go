package store

import (
	"errors"
	"math"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// unlimited holds limits that no test reaches.
var unlimited = Limits{StoreBytes: math.MaxInt, TxBytes: math.MaxInt, Changes: math.MaxInt}

// free is a charge for Tx.Add that costs nothing.
func free(int) {}

// begin returns a transaction that waits for a minute at most.
func begin(s *Store) *Tx {
	t := &Tx{}
	t.Begin(s, time.Minute)
	return t
}

// commit commits a transaction.
func commit(t *testing.T, tx *Tx) {
	t.Helper()
	if err := tx.Prepare(); err != nil {
		t.Error(err)
	}
	tx.Commit()
}

// wantValue expects that a transaction reads a value. "" stands for no value.
func wantValue(t *testing.T, tx *Tx, key, want string) {
	t.Helper()
	v, err := tx.Get(key)
	if v != want || (want == "") != (err == abi.NotFound) {
		t.Errorf("%s is %q, %v; want %q", key, v, err, want)
	}
}

// TestCommitAndRollback checks that a commit makes all changes visible, and that a rollback drops them.
func TestCommitAndRollback(t *testing.T) {
	s := New(nil, time.Now)
	tx := begin(s)
	err := errors.Join(tx.Set("a", "1", 0, unlimited), tx.Set("b", "2", 0, unlimited), tx.Delete("b", unlimited))
	if err != nil {
		t.Error(err)
	}
	if n, err := tx.Add("n", 5, 0, unlimited, free); n != 5 || err != nil {
		t.Errorf("add: %d, %v", n, err)
	}
	wantValue(t, tx, "a", "1")
	wantValue(t, tx, "b", "")
	wantValue(t, begin(s), "a", "") // not committed yet
	if tx.Changes() != 3 || tx.Written() != len("a1b2n5") {
		t.Errorf("%d changes, %d bytes", tx.Changes(), tx.Written())
	}
	commit(t, tx)
	wantValue(t, begin(s), "a", "1")
	wantValue(t, begin(s), "n", "5")
	if want := 2 * EntryBytes(1, 1); s.Size() != want {
		t.Errorf("the store has %d bytes, want %d", s.Size(), want)
	}

	tx = begin(s)
	if err := errors.Join(tx.Set("a", "longer", 0, unlimited), tx.Delete("n", unlimited)); err != nil {
		t.Error(err)
	}
	if err := tx.Delete("none", unlimited); err != abi.NotFound {
		t.Errorf("delete: %v", err)
	}
	tx.Rollback()
	wantValue(t, begin(s), "a", "1")
	wantValue(t, begin(s), "n", "5")
	if len(s.writer) > 0 {
		t.Error("the right to write is still held")
	}
}

// TestExpiry checks that expired values are not read, that Sweep removes them, and that Add starts from 0 again.
func TestExpiry(t *testing.T) {
	now := time.Unix(1000, 0)
	s := New(nil, func() time.Time { return now })
	tx := begin(s)
	err := errors.Join(tx.Set("short", "v", time.Second, unlimited), tx.Set("long", "v", time.Hour, unlimited))
	if err != nil {
		t.Error(err)
	}
	if _, err := tx.Add("n", 1, time.Second, unlimited, free); err != nil {
		t.Error(err)
	}
	commit(t, tx)
	now = now.Add(time.Second)
	wantValue(t, begin(s), "short", "")
	wantValue(t, begin(s), "long", "v")
	s.Sweep(now)
	if want := EntryBytes(len("long"), 1); s.Size() != want {
		t.Errorf("the store has %d bytes, want %d", s.Size(), want)
	}
	tx = begin(s)
	if n, err := tx.Add("n", 1, 0, unlimited, free); n != 1 || err != nil { // from 0 again
		t.Errorf("add: %d, %v", n, err)
	}
	tx.Rollback()
}

// TestLimits checks each limit of a transaction, just below it and above it.
func TestLimits(t *testing.T) {
	for name, tc := range map[string]struct {
		limits Limits
		second string // key that is set after "first"
		want   error
	}{
		"store full":     {Limits{StoreBytes: EntryBytes(5, 1) + 10, TxBytes: 100, Changes: 10}, "second", abi.Limit},
		"same key":       {Limits{StoreBytes: EntryBytes(5, 1) + 10, TxBytes: 100, Changes: 10}, "first", nil},
		"bytes written":  {Limits{StoreBytes: 1000, TxBytes: 10, Changes: 10}, "first", abi.Limit},
		"changed keys":   {Limits{StoreBytes: 1000, TxBytes: 100, Changes: 1}, "second", abi.Limit},
		"enough for two": {Limits{StoreBytes: 1000, TxBytes: 100, Changes: 2}, "second", nil},
	} {
		tx := begin(New(nil, time.Now))
		if err := tx.Set("first", "1", 0, tc.limits); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if err := tx.Set(tc.second, "2", 0, tc.limits); err != tc.want {
			t.Errorf("%s: got %v, want %v", name, err, tc.want)
		}
	}
}

// TestAddToText checks that Add charges the length of a value before it returns that the value is no number.
func TestAddToText(t *testing.T) {
	tx := begin(New(nil, time.Now))
	if err := tx.Set("k", "text", 0, unlimited); err != nil {
		t.Error(err)
	}
	charged := 0
	if _, err := tx.Add("k", 1, 0, unlimited, func(n int) { charged = n }); err != abi.Invalid || charged != 4 {
		t.Errorf("got %v, charged %d", err, charged)
	}
}

// TestDeferred checks that a deferred transaction does not block others, and that it adds to the numbers that they have
// committed.
func TestDeferred(t *testing.T) {
	s := New(nil, time.Now)
	deferred := &Tx{Deferred: true}
	deferred.Begin(s, time.Minute)
	for _, key := range []string{"n", "text", "own"} {
		if _, err := deferred.Add(key, 1, 0, unlimited, free); err != nil {
			t.Error(err)
		}
	}
	if err := deferred.Set("own", "7", 0, unlimited); err != nil {
		t.Error(err)
	}
	other := begin(s)
	if _, err := other.Add("n", 10, 0, unlimited, free); err != nil {
		t.Error(err)
	}
	if err := errors.Join(other.Set("text", "x", 0, unlimited), other.Set("own", "8", 0, unlimited)); err != nil {
		t.Error(err)
	}
	commit(t, other)
	commit(t, deferred)
	wantValue(t, begin(s), "n", "11")
	wantValue(t, begin(s), "text", "x") // Add does not change what is not a number
	wantValue(t, begin(s), "own", "7")
}

// TestOnWait checks that OnWait is called when a transaction waits for another one, and only then.
func TestOnWait(t *testing.T) {
	s := New(nil, time.Now)
	waits := 0
	write := func() (*Tx, error) {
		tx := &Tx{}
		tx.OnWait(func() { waits++ })
		tx.Begin(s, time.Millisecond)
		return tx, tx.Set("k", "v", 0, unlimited)
	}
	if tx, err := write(); err != nil || waits != 0 || !tx.holdsWriter {
		t.Errorf("no other transaction: %v, %d waits", err, waits)
	}
	if tx, err := write(); err != abi.Timeout || waits != 1 || tx.holdsWriter {
		t.Errorf("another transaction writes: %v, %d waits", err, waits)
	}
}
