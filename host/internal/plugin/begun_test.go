package plugin

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestManyCallsAtOnce: no more guests run at a time than Go has processors, but
// more may have begun, and hold their stacks: one for each instance. This is what
// they hold, and that they give it back.
func TestManyCallsAtOnce(t *testing.T) {
	const calls, most = 32, 4 << 20 // bytes of each
	module := guest(t, "hostile/deep_loop")
	var plugins []*Plugin
	for range calls {
		p := newPlugin(t, Options{Deadline: 400 * time.Millisecond}, module)
		if err := message(p, &fakeEnv{}, "."); err != nil {
			t.Fatal(err)
		}
		plugins = append(plugins, p)
	}
	before := heap()
	var wait sync.WaitGroup
	for _, p := range plugins {
		wait.Go(func() { wantFault(t, message(p, &fakeEnv{}, "!"), TimedOut) })
	}
	done := make(chan struct{})
	go func() { wait.Wait(); close(done) }()
	peak := before
	for running := true; running; {
		select {
		case <-done:
			running = false
		case <-time.After(20 * time.Millisecond):
			peak = max(peak, heap())
		}
	}
	each := (int64(peak) - int64(before)) / calls
	t.Logf("%d calls at their deepest hold %d KiB each", calls, each>>10)
	if each < 256<<10 {
		t.Error("they hold too little to be at their deepest: the test is wrong")
	}
	if each > most {
		t.Errorf("want %d KiB at most", most>>10)
	}
	if after := heap(); int64(after)-int64(before) > calls*64<<10 {
		t.Errorf("%d KiB more than before, after all have ended", (after-before)>>10)
	}
}

// heap is what is in use, and no garbage.
func heap() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
