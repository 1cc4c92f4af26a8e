package broker

import (
	"context"
	"errors"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/redistest"
)

// callBound is the time that a call with a short deadline may take on a busy machine. The timeout of the nodes
// is 10 s.
const callBound = 4 * time.Second

// wantDeadlineSoon calls a function with a short deadline and fails unless the deadline ends it.
func wantDeadlineSoon(t *testing.T, what string, call func(ctx context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	start := time.Now()
	if err := call(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("%s: %v", what, err)
	}
	if took := time.Since(start); took > callBound {
		t.Errorf("%s took %v", what, took)
	}
}

// wantLockFree fails unless the lock of a store is free long before it would expire.
func (n *node) wantLockFree(route string) {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(n.t.Context(), lockTTL/2)
	defer cancel()
	lock, err := n.Lock(ctx, route)
	if err != nil {
		n.t.Fatal("lock:", err)
	}
	n.Unlock(route, lock)
}

// TestFrozenStore: requests to a frozen Redis end with their deadlines, however many there are, and no lock is
// left when Redis goes on.
func TestFrozenStore(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	a.wantLockFree("/r")
	held, err := a.Lock(t.Context(), "/held")
	if err != nil {
		t.Fatal(err)
	}
	r.Signal(syscall.SIGSTOP)
	wantDeadlineSoon(t, "lock", func(ctx context.Context) error {
		_, err := a.Lock(ctx, "/r")
		return err
	})
	wantDeadlineSoon(t, "write", func(ctx context.Context) error {
		return a.Write(ctx, "/held", held, []Value{{Key: "k", Value: "v", Set: true}})
	})
	var wait sync.WaitGroup
	for range 3000 {
		wait.Go(func() {
			wantDeadlineSoon(t, "read", func(ctx context.Context) error {
				_, err := a.Value(ctx, "/r", "k")
				return err
			})
		})
	}
	wait.Wait()
	r.Signal(syscall.SIGCONT)
	a.waitLinked()
	a.wantLockFree("/r")
	a.wantLockFree("/held")
}

// TestLockIsCut: the connection ends after Redis granted a lock and before its answer arrived.
func TestLockIsCut(t *testing.T) {
	t.Parallel()
	r := redistest.Start(t)
	p := redistest.StartProxy(t, r.Addr())
	a, b := startNode(t, "a", p.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	p.Slow(200 * time.Millisecond)
	failed := make(chan error)
	go func() {
		_, err := a.Lock(t.Context(), "/r")
		failed <- err
	}()
	c := r.Client()
	eventually(t, "Redis has the lock", func() bool {
		n, err := c.Do(t.Context(), c.B().Exists().Key(a.lockKey("/r")).Build()).AsInt64()
		return err == nil && n == 1
	})
	p.Cut(false)
	p.Slow(0)
	if err := <-failed; err == nil {
		t.Skip("the answer came before the cut")
	}
	b.wantLockFree("/r")
}

// TestUnlockAtTheEnd: Close releases locks.
func TestUnlockAtTheEnd(t *testing.T) {
	r := redistest.Start(t)
	a, b := startNode(t, "a", r.URL()), startNode(t, "b", r.URL())
	a.waitLinked()
	b.waitLinked()
	lock, err := a.Lock(t.Context(), "/r")
	if err != nil {
		t.Fatal(err)
	}
	a.Unlock("/r", lock)
	a.close()
	b.wantLockFree("/r")
	a.Unlock("/r", lock) // after Close it does no harm
}

// TestExpiry: a new expiry counts from the time of the write, by the clock of Redis; an existing one stays.
func TestExpiry(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	ends := time.Now().Add(time.Hour).Truncate(time.Millisecond)
	lock, err := a.Lock(t.Context(), "/r")
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Write(t.Context(), "/r", lock, []Value{
		{Key: "new", Value: "1", Set: true, TTL: time.Hour, Expires: time.Now().Add(-time.Hour)},
		{Key: "had", Value: "2", Set: true, Expires: ends},
		{Key: "never", Value: "3", Set: true},
	}); err != nil {
		t.Fatal(err)
	}
	for key, want := range map[string]time.Time{"new": ends, "had": ends, "never": {}} {
		v, err := a.Value(t.Context(), "/r", key)
		if off := v.Expires.Sub(want).Abs(); err != nil || off > time.Minute || key == "had" && off > 0 {
			t.Errorf("%s: %+v %v", key, v, err)
		}
	}
	for at, want := range map[int64]error{-2: errNoValue, -1: nil, 5: nil} { // answers of PEXPIRETIME
		if err := new(Value).setExpiry(at); err != want {
			t.Errorf("expiry %d: %v", at, err)
		}
	}
}

// TestRefusedWriteReleasesTheLock: a write that Redis refuses releases the lock.
func TestRefusedWriteReleasesTheLock(t *testing.T) {
	r := redistest.Start(t)
	a := startNode(t, "a", r.URL())
	a.waitLinked()
	c, ctx := r.Client(), context.Background()
	limit := func(bytes string) {
		t.Helper()
		if err := c.Do(ctx, c.B().Arbitrary("CONFIG", "SET", "maxmemory", bytes).Build()).Error(); err != nil {
			t.Fatal(err)
		}
	}
	lock, err := a.Lock(ctx, "/r")
	if err != nil {
		t.Fatal(err)
	}
	limit("1")
	if err := a.Write(ctx, "/r", lock, []Value{{Key: "k", Value: "v", Set: true}}); err == nil {
		t.Fatal("a Redis without memory has written")
	}
	limit("0")
	ctx, cancel := context.WithTimeout(ctx, lockTTL/4)
	defer cancel()
	if _, err := a.Lock(ctx, "/r"); err != nil {
		t.Error(err)
	}
}
