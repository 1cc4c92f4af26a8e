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
	for range 2 {
		if err := tx.begin(s, time.Hour); err != abi.Unavailable {
			t.Errorf("begin: %v", err)
		}
	}
	tx.end()
	if len(s.writing) > 0 {
		t.Error("others can not write")
	}
}
