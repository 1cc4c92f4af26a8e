package plugin

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// CPUSlots are taken in the order of the wait, and none is lost when a wait ends.
func TestTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		turns := &CPUSlots{free: 1}
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

// turnsEnv looks at the turns when the guest sends, and waits for nobody.
type turnsEnv struct {
	fakeEnv
	turns  *CPUSlots
	free   int    // in Send
	waits  int    // free while it waits
	before func() // of Waiter
}

func (e *turnsEnv) BeforeWait(f func()) { e.before = f }

func (e *turnsEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	e.free = e.turns.left()
	if e.before != nil {
		e.before()
	}
	e.waits = e.turns.left()
	return e.fakeEnv.Send(conn, kind, data)
}

func (t *CPUSlots) left() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.free
}

// A hook keeps its turn over host functions, but not where they wait for others; and after
// a hook, however it ended, none is taken.
func TestTurnInHostFunctions(t *testing.T) {
	turns := &CPUSlots{free: 1}
	p := newPlugin(t, Options{CPUSlots: turns, Deadline: 10 * time.Second}, guest(t, "busy"))
	env := &turnsEnv{turns: turns}
	if err := message(p, env, "\x14"); err != nil { // some slices before, and after
		t.Fatal(err)
	}
	if env.free != 0 || env.waits != 1 || env.before != nil || turns.free != 1 {
		t.Errorf("%d turns are free in send, %d while it waits, and %d after the hook", env.free, env.waits, turns.free)
	}
	p = newPlugin(t, Options{CPUSlots: turns, Deadline: 20 * time.Millisecond}, guest(t, "faults"))
	wantFault(t, message(p, &fakeEnv{}, "l"), TimedOut)
	if turns.free != 1 {
		t.Errorf("%d turns are free after a hook that was ended", turns.free)
	}
}

// A hook that does nothing but call the host takes turns, too.
func TestHostFunctionsTakeTurns(t *testing.T) {
	turns := &CPUSlots{free: 1}
	p := newPlugin(t, Options{CPUSlots: turns, Deadline: 50 * time.Millisecond}, guest(t, "hostile/host_calls"))
	turns.take(0) // for ever
	before := p.Stats().Fuel
	wantFault(t, message(p, &fakeEnv{}, "!n"), TimedOut)
	if got := p.Stats().Fuel - before; got > 2*fuelSlice {
		t.Errorf("without a turn it spent %d fuel, which is more than two slices", got)
	}
}

// lockEnv holds a lock from Send to the end of the hook, as a transaction of the store does.
type lockEnv struct {
	fakeEnv
	lock   chan struct{}
	before func()
}

func (e *lockEnv) BeforeWait(f func()) { e.before = f }

func (e *lockEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	select {
	case e.lock <- struct{}{}:
	default:
		e.before()
		e.lock <- struct{}{}
	}
	return e.fakeEnv.Send(conn, kind, data)
}

// Hooks that hold what others wait for come to their turns.
func TestTurnsAndLocks(t *testing.T) {
	turns, lock := &CPUSlots{free: 1}, make(chan struct{}, 1)
	var wait sync.WaitGroup
	for range 4 {
		p := newPlugin(t, Options{CPUSlots: turns, Deadline: time.Minute}, guest(t, "busy"))
		wait.Go(func() {
			for range 5 {
				if err := message(p, &lockEnv{lock: lock}, "\x14"); err != nil {
					t.Error(err)
				}
				<-lock
			}
		})
	}
	wait.Wait()
	if turns.free != 1 || len(turns.queue) != 0 {
		t.Errorf("%d free and %d waiting at the end", turns.free, len(turns.queue))
	}
}

// Hooks that run for long share one turn, and all come to their end.
func TestTurnsAreShared(t *testing.T) {
	turns := &CPUSlots{free: 1}
	var wait sync.WaitGroup
	for range 8 {
		p := newPlugin(t, Options{CPUSlots: turns, Deadline: time.Minute}, guest(t, "busy"))
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
