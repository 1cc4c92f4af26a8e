package plugin

import (
	"testing"
	"testing/synctest"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// What short hooks take adds up until the goroutine sleeps, with a turn, or rests.
func TestPace(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		p := Pacer{CPUSlots: &CPUSlots{free: 1}}
		takesTurn := func() bool { _, ok := p.Context().(turnContext); return ok }
		if takesTurn() {
			t.Error("the first hook takes a turn")
		}
		if p.Ran(0) || !takesTurn() {
			t.Error("the second hook takes no turn")
		}
		if p.Rested(0); !takesTurn() {
			t.Error("to have looked for work is taken for a rest")
		}
		if p.Rested(hookSleep); takesTurn() {
			t.Error("the first hook after a rest takes a turn")
		}
		p.CPUSlots.take(0)
		slept := make(chan bool)
		go func() {
			p.Ran(awakeAtMost / 2)
			slept <- p.Ran(awakeAtMost)
		}()
		time.Sleep(hookSleep)
		synctest.Wait()
		select {
		case <-slept:
			t.Fatal("it slept without a turn")
		default:
		}
		begun := time.Now()
		p.CPUSlots.give()
		if !<-slept || time.Since(begun) != hookSleep || takesTurn() || p.CPUSlots.free != 1 {
			t.Errorf("it slept for %v, %d turns are free", time.Since(begun), p.CPUSlots.free)
		}
	})
}

// A hook at its second place waits for a turn, though it is short, and gives it back.
func TestPacedHookTakesTurn(t *testing.T) {
	turns := &CPUSlots{free: 1}
	p := newPlugin(t, Options{CPUSlots: turns}, guest(t, "echo"))
	pace := Pacer{CPUSlots: turns}
	run := func() *turnsEnv {
		env := &turnsEnv{turns: turns}
		ev := Event{Hook: abi.OnMessage, Conn: 7, Data: []byte("x"), Arg: int32(abi.Text)}
		if err := p.Run(pace.Context(), &ev, env); err != nil {
			t.Error(err)
		}
		return env
	}
	turns.take(0)
	run() // needs none
	pace.Ran(1)
	second := make(chan *turnsEnv)
	go func() { second <- run() }()
	for queued := false; !queued; {
		select {
		case <-second:
			t.Fatal("the second hook ran without a turn")
		case <-time.After(time.Millisecond):
			turns.mu.Lock()
			queued = len(turns.queue) == 1
			turns.mu.Unlock()
		}
	}
	turns.give()
	<-second
	if turns.free != 1 {
		t.Errorf("%d turns are free after the hook", turns.free)
	}
}
