package plugin

import (
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// TestCPUSlotOrder: slots are granted in the order of requests, and a wait that times out loses none.
func TestCPUSlotOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		slots := &CPUSlots{free: 1}
		if !slots.take(0) {
			t.Fatal("no slot was granted, and one is free")
		}
		order := make(chan int, 3)
		for i, wait := range []time.Duration{time.Hour, time.Second, time.Hour} {
			go func() {
				if slots.take(wait) {
					order <- i
				} else {
					order <- -1
				}
			}()
			synctest.Wait()
		}
		time.Sleep(2 * time.Second)
		if got := <-order; got != -1 {
			t.Errorf("waiter %d has a slot that was not released", got)
		}
		for _, want := range []int{0, 2} {
			slots.release()
			if got := <-order; got != want {
				t.Errorf("the slot went to waiter %d, want %d", got, want)
			}
		}
		slots.release()
		checkAllFree(t, slots)
	})
}

// checkAllFree fails the test unless the one slot is free and no hook waits for it.
func checkAllFree(t *testing.T, slots *CPUSlots) {
	t.Helper()
	if slots.free != 1 || len(slots.queue) != 0 {
		t.Errorf("at the end %d slots are free and %d hooks wait, want 1 and 0", slots.free, len(slots.queue))
	}
}

func (s *CPUSlots) freeCount() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.free
}

// slotsEnv records the number of free slots while the guest is in Send, before and after the call of OnWait's function.
type slotsEnv struct {
	fakeEnv
	slots       *CPUSlots
	onWait      func()
	freeInSend  int
	freeInAWait int
}

func (e *slotsEnv) OnWait(f func()) { e.onWait = f }

func (e *slotsEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	e.freeInSend = e.slots.freeCount()
	if e.onWait != nil {
		e.onWait()
	}
	e.freeInAWait = e.slots.freeCount()
	return e.fakeEnv.Send(conn, kind, data)
}

// TestSlotInHostFunctions: a hook keeps its slot during host functions, releases it when one of them waits, and holds
// none after its end, however it ended.
func TestSlotInHostFunctions(t *testing.T) {
	slots := &CPUSlots{free: 1}
	p := newPlugin(t, Options{CPUSlots: slots, Deadline: 10 * time.Second}, guest(t, "busy"))
	env := &slotsEnv{slots: slots}
	if err := message(p, env, "\x14"); err != nil { // several slices before Send, and after it
		t.Fatal(err)
	}
	if env.freeInSend != 0 || env.freeInAWait != 1 || env.onWait != nil || slots.free != 1 {
		t.Errorf("%d slots are free in Send, %d while it waits, and %d after the hook",
			env.freeInSend, env.freeInAWait, slots.free)
	}
	p = newPlugin(t, Options{CPUSlots: slots, Deadline: 20 * time.Millisecond}, guest(t, "faults"))
	wantFault(t, message(p, &fakeEnv{}, "l"), TimedOut)
	if slots.free != 1 {
		t.Errorf("%d slots are free after a hook that passed its deadline", slots.free)
	}
}

// TestHostFunctionsTakeSlots: a hook that does nothing but call host functions takes slots, too.
func TestHostFunctionsTakeSlots(t *testing.T) {
	slots := &CPUSlots{free: 1}
	p := newPlugin(t, Options{CPUSlots: slots, Deadline: 50 * time.Millisecond}, guest(t, "hostile/host_calls"))
	slots.take(0) // and never releases it
	before := p.Stats().Fuel
	wantFault(t, message(p, &fakeEnv{}, "!n"), TimedOut)
	if got := p.Stats().Fuel - before; got > 2*fuelSlice {
		t.Errorf("without a slot the hook spent %d fuel, which is more than two slices", got)
	}
}

// lockEnv holds a lock from Send to the end of the hook, as a transaction of the store does.
type lockEnv struct {
	fakeEnv
	lock   chan struct{}
	onWait func()
}

func (e *lockEnv) OnWait(f func()) { e.onWait = f }

func (e *lockEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	select {
	case e.lock <- struct{}{}:
	default:
		e.onWait()
		e.lock <- struct{}{}
	}
	return e.fakeEnv.Send(conn, kind, data)
}

// TestSlotsAndLocks: hooks that hold a lock which others wait for get their slots.
func TestSlotsAndLocks(t *testing.T) {
	slots, lock := &CPUSlots{free: 1}, make(chan struct{}, 1)
	var wait sync.WaitGroup
	for range 4 {
		p := newPlugin(t, Options{CPUSlots: slots, Deadline: time.Minute}, guest(t, "busy"))
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
	checkAllFree(t, slots)
}

// TestSlotsAreShared: long-running hooks share one slot, and all of them end.
func TestSlotsAreShared(t *testing.T) {
	slots := &CPUSlots{free: 1}
	var wait sync.WaitGroup
	for range 8 {
		p := newPlugin(t, Options{CPUSlots: slots, Deadline: time.Minute}, guest(t, "busy"))
		wait.Go(func() {
			for range 3 {
				if err := message(p, &fakeEnv{}, "\x0a"); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wait.Wait()
	checkAllFree(t, slots)
}
