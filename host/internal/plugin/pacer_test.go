package plugin

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// TestPacer: the run times of short hooks add up until the goroutine sleeps, with a slot, or is idle.
func TestPacer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Pacer{CPUSlots: &CPUSlots{free: 1}}
		needsSlot := func() bool { _, ok := p.Context().(pacedContext); return ok }
		if needsSlot() {
			t.Error("the first hook takes a slot")
		}
		if p.HookRan(0) || !needsSlot() {
			t.Error("the second hook takes no slot")
		}
		if p.Idle(0); !needsSlot() {
			t.Error("an idle time of 0 counts as a sleep")
		}
		if p.Idle(runPause); needsSlot() {
			t.Error("the first hook after an idle time takes a slot")
		}
		p.CPUSlots.take(0)
		slept := make(chan bool)
		go func() {
			p.HookRan(maxRunTime / 2)
			slept <- p.HookRan(maxRunTime)
		}()
		time.Sleep(runPause)
		synctest.Wait()
		select {
		case <-slept:
			t.Fatal("it slept without a slot")
		default:
		}
		begun := time.Now()
		p.CPUSlots.release()
		if !<-slept || time.Since(begun) != runPause || needsSlot() || p.CPUSlots.free != 1 {
			t.Errorf("it slept for %v, and %d slots are free", time.Since(begun), p.CPUSlots.free)
		}
	})
}

// TestPacedHookTakesSlot: the second hook of a Pacer waits for a slot, though it is short, and releases it.
func TestPacedHookTakesSlot(t *testing.T) {
	slots := &CPUSlots{free: 1}
	p := newPlugin(t, Options{CPUSlots: slots}, guest(t, "echo"))
	pacer := Pacer{CPUSlots: slots}
	run := func() {
		ev := Event{Hook: abi.OnMessage, Conn: 7, Data: []byte("x"), Arg: int32(abi.Text)}
		if err := p.Run(pacer.Context(), &ev, &slotsEnv{slots: slots}); err != nil {
			t.Error(err)
		}
	}
	slots.take(0)
	run() // the first hook needs none
	pacer.HookRan(1)
	second := make(chan struct{})
	go func() { run(); close(second) }()
	for queued := false; !queued; {
		select {
		case <-second:
			t.Fatal("the second hook ran without a slot")
		case <-time.After(time.Millisecond):
			slots.mu.Lock()
			queued = len(slots.queue) == 1
			slots.mu.Unlock()
		}
	}
	slots.release()
	<-second
	if slots.free != 1 {
		t.Errorf("%d slots are free after the hook", slots.free)
	}
}
