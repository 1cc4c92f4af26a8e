package plugin

import (
	"runtime"
	"sync"
	"testing"
	"time"
)

// TestStackMemory: no more guests run at a time than Go has processors, but more of them may have begun and hold their
// stacks, one for each instance. The test limits the memory of one stack, and requires that it is freed.
func TestStackMemory(t *testing.T) {
	const calls, limit = 32, 4 << 20 // the limit is in bytes for each call
	module := guest(t, "hostile/deep_loop")
	var plugins []*Plugin
	for range calls {
		p := newPlugin(t, Options{Deadline: 400 * time.Millisecond}, module)
		if err := message(p, &fakeEnv{}, "."); err != nil {
			t.Fatal(err)
		}
		plugins = append(plugins, p)
	}
	before := heapInUse()
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
			peak = max(peak, heapInUse())
		}
	}
	each := (int64(peak) - int64(before)) / calls
	t.Logf("%d calls hold at most %d KiB each", calls, each>>10)
	if each < 256<<10 {
		t.Error("the calls hold too little memory: the test did not measure them at their deepest")
	}
	if each > limit {
		t.Errorf("want at most %d KiB", limit>>10)
	}
	if after := heapInUse(); int64(after)-int64(before) > calls*64<<10 {
		t.Errorf("after the end of all calls the heap is %d KiB larger than before", (after-before)>>10)
	}
}

// heapInUse returns the bytes of the heap that are not garbage.
func heapInUse() uint64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}
