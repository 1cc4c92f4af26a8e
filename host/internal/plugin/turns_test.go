package plugin

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// Turns are taken in the order of the wait, and none is lost when a wait ends.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := &Turns{free: 1}
		if !turns.take(0) {
			t.Fatal("no turn, and all are free")
		}
		order := make(chan int, 3)
		for i, wait := range []time.Duration{time.Hour, time.Second, time.Hour} {
			go func() {
				if turns.take(wait) {
					order <- i
				} else {
					order <- -1
				}
			}()
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		if got := <-order; got != -1 {
			t.Errorf("waiter %d has a turn that nobody gave", got)
		}
		for _, want := range []int{0, 2} {
			turns.give()
			if got := <-order; got != want {
				t.Errorf("the turn went to %d, want %d", got, want)
			}
		}
		turns.give()
		if turns.free != 1 || len(turns.queue) != 0 {
			t.Errorf("%d free and %d waiting at the end", turns.free, len(turns.queue))
		}
	})
}

// turnsEnv looks at the turns when the guest sends.
type turnsEnv struct {
	fakeEnv
	turns *Turns
	free  int
}

func (e *turnsEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	e.turns.mu.Lock()
	defer e.turns.mu.Unlock()
	e.free = e.turns.free
	return e.fakeEnv.Send(conn, kind, data)
}

// A host function may wait for others, so the hook has no turn in it; and after a
// hook, however it ended, none is taken.
func TestNoTurnInHostFunctions(t *testing.T) {
	turns := &Turns{free: 1}
	p := newPlugin(t, Options{Turns: turns, Deadline: 10 * time.Second}, guest(t, "busy"))
	env := &turnsEnv{turns: turns}
	if err := message(p, env, "\x14"); err != nil { // some slices before, and after
		t.Fatal(err)
	}
	if env.free != 1 || turns.free != 1 {
		t.Errorf("%d turns are free in send, and %d after the hook", env.free, turns.free)
	}
	p = newPlugin(t, Options{Turns: turns, Deadline: 20 * time.Millisecond}, guest(t, "faults"))
	wantFault(t, message(p, &fakeEnv{}, "l"), TimedOut)
	if turns.free != 1 {
		t.Errorf("%d turns are free after a hook that was ended", turns.free)
	}
}

// Hooks that run for long share one turn, and all come to their end.
func TestTurnsAreShared(t *testing.T) {
	turns := &Turns{free: 1}
	var wait sync.WaitGroup
	for range 8 {
		p := newPlugin(t, Options{Turns: turns, Deadline: time.Minute}, guest(t, "busy"))
		wait.Go(func() {
			for range 3 {
				if err := message(p, &fakeEnv{}, "\x0a"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	if turns.free != 1 || len(turns.queue) != 0 {
		t.Errorf("%d free and %d waiting at the end", turns.free, len(turns.queue))
	}
}
