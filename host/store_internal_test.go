package host

import (
	"context"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
)

// TestNoLockTwice: a hook that could not have the lock of a shared store and tries again
// does not wait for itself.
func TestNoLockTwice(t *testing.T) {
	b, err := broker.New(broker.Options{URL: "redis://127.0.0.1:1", Node: "n"})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = b.Close(context.Background()) }()
	s := newStore(&sharedStore{b, "/r"}, time.Now)
	var tx storeTx
	waits := 0
	tx.waits = func() { waits++ }
	for range 2 {
		if err := tx.begin(s, time.Hour); err != abi.Unavailable {
			t.Errorf("begin: %v", err)
		}
	}
	if _, _, err := tx.get(s, "key", time.Hour); err != abi.Unavailable || waits != 2 {
		t.Errorf("get: %v, and the hook was told %d times that it waits", err, waits)
	}
	tx.end()
	if len(s.writing) > 0 {
		t.Error("others can not write")
	}
}

// TestStoreTellsThatItWaits: a hook that has to wait for the right to write, and only that
// one, is told before.
func TestStoreTellsThatItWaits(t *testing.T) {
	s := newStore(nil, time.Now)
	waits := 0
	begin := func() *storeTx {
		tx := &storeTx{waits: func() { waits++ }}
		if err := tx.begin(s, time.Millisecond); err != nil && err != abi.Timeout {
			t.Error(err)
		}
		return tx
	}
	if tx := begin(); waits != 0 || !tx.held {
		t.Errorf("nobody writes, and the hook was told %d times that it waits", waits)
	}
	if tx := begin(); waits != 1 || tx.held {
		t.Errorf("another hook writes, and the hook was told %d times that it waits", waits)
	}
}
