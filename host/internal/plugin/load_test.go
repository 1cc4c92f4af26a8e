package plugin

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

// counterEnv records the last message of the guest counter: the text of its version, and its count.
type counterEnv struct {
	quietEnv
	version string
	count   uint64
}

func (e *counterEnv) Send(_ uint64, _ abi.Kind, data []byte) error {
	e.version, e.count = string(data[:8]), binary.LittleEndian.Uint64(data[8:])
	return nil
}

func (e *counterEnv) TimerSet(uint64, []byte, time.Duration) error { return nil }

func newCounterEnv() Env { return &counterEnv{} }

func TestLoadSameBytes(t *testing.T) {
	o := newObserved()
	p := newPlugin(t, Options{NewEnv: newCounterEnv, Observer: o}, guest(t, "counter"))
	id := p.Version()
	if again := mustLoad(t, p, guest(t, "counter")); again != id {
		t.Errorf("the same bytes are %s, then %s", id, again)
	}
	if n := len(o.hooks); n != 1 || p.Stats().Instances != 1 {
		t.Errorf("on_load ran %d times, want once: the second Load did something", n)
	}
}

func TestSwapChangesTheAnswer(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		p := newPlugin(t, Options{Mode: mode, NewEnv: newCounterEnv}, guest(t, "counter"))
		first := p.Version()
		env := &counterEnv{}
		for n := range 3 {
			if err := message(p, env, ""); err != nil || env.version != "VERSION0" || env.count != uint64(n+1) {
				t.Errorf("%s: %v, %s, %d", mode, err, env.version, env.count)
			}
		}
		if second := mustLoad(t, p, variant(t, "VERSION1")); second == first || second != p.Version() {
			t.Errorf("%s: versions %s, %s", mode, first, second)
		}
		if err := message(p, env, ""); err != nil || env.version != "VERSION1" || env.count != 1 {
			t.Errorf("%s: after the swap: %v, %s, %d", mode, err, env.version, env.count)
		}
		if n := p.alloc.regions.Load(); n != 1 {
			t.Errorf("%s: %d memories, want that of the new version", mode, n)
		}
	}
}

// TestSwapWhileAHookRuns: with Single, Load waits for the hook that runs. With Pool it does not wait, and the hook
// finishes on the version where it began.
func TestSwapWhileAHookRuns(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		t.Run(string(mode), func(t *testing.T) {
			p := newPlugin(t, Options{Mode: mode, Metering: Off, NewEnv: newCounterEnv}, guest(t, "counter"))
			env := newBlockingEnv()
			ran, loaded := make(chan error, 1), make(chan error, 1)
			go func() { ran <- message(p, env, "") }()
			<-env.entered
			old := p.Version()
			go func() {
				_, err := p.Load(context.Background(), variant(t, "VERSION1"))
				loaded <- err
			}()
			if mode == Pool {
				if err := <-loaded; err != nil {
					t.Fatal(err)
				}
			} else {
				waitQueue(p, 1) // Load waits for the slot
				if p.Version() != old {
					t.Error("swapped while a hook ran")
				}
			}
			close(env.leave)
			if err := <-ran; err != nil {
				t.Fatal(err)
			}
			if mode == Single {
				if err := <-loaded; err != nil {
					t.Fatal(err)
				}
			}
			if want := fmt.Sprintf("Send 7 binary %q", "VERSION0\x01\x00\x00\x00\x00\x00\x00\x00"); env.log() != want {
				t.Errorf("the calls of the hook are %s", env.log())
			}
			if p.Version() == old || p.alloc.regions.Load() != 1 {
				t.Errorf("version %s, %d memories", p.Version(), p.alloc.regions.Load())
			}
		})
	}
}

// waitQueue returns when n events wait for a slot.
func waitQueue(p *Plugin, n int) {
	for {
		p.pool.mu.Lock()
		got := len(p.pool.queue)
		p.pool.mu.Unlock()
		if got == n {
			return
		}
		time.Sleep(100 * time.Microsecond) // there is nothing to wait on for the length of the queue
	}
}

func TestLoadGivesUpWithItsContext(t *testing.T) {
	p := newPlugin(t, Options{Metering: Off, NewEnv: newCounterEnv}, guest(t, "counter"))
	env := newBlockingEnv()
	ran := make(chan error, 1)
	go func() { ran <- message(p, env, "") }()
	<-env.entered
	old := p.Version()
	ctx, cancel := context.WithCancel(t.Context())
	loaded := make(chan error, 1)
	go func() {
		_, err := p.Load(ctx, variant(t, "VERSION1"))
		loaded <- err
	}()
	waitQueue(p, 1)
	cancel()
	if err := <-loaded; !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v", err)
	}
	close(env.leave)
	if err := <-ran; err != nil || p.Version() != old {
		t.Errorf("%v, version %s", err, p.Version())
	}
}

func TestLoadWithACanceledContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	p := newPlugin(t, Options{}, nil)
	if _, err := p.Load(ctx, guest(t, "forward")); !errors.Is(err, context.Canceled) {
		t.Errorf("Load: %v", err)
	}
	if _, err := Inspect(t.Context(), guest(t, "forward")); err != nil {
		t.Error(err)
	}
}

// TestSwapUnderLoad: eight goroutines send events while versions alternate. One version answers every event once, and
// with Single no two hooks run at a time.
func TestSwapUnderLoad(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		for _, m := range []Metering{Off, Deadline} {
			t.Run(string(mode)+"/"+string(m), func(t *testing.T) {
				p := newPlugin(t, Options{Mode: mode, Metering: m, NewEnv: newCounterEnv}, guest(t, "counter"))
				versions := [][]byte{guest(t, "counter"), variant(t, "VERSION1"), variant(t, "VERSION2")}
				const workers, swaps = 8, 30
				var stop atomic.Bool
				var events, inside atomic.Int64
				var wg sync.WaitGroup
				for range workers {
					wg.Go(func() {
						env := &exclusiveEnv{inside: &inside, t: t, alone: mode == Single}
						for !stop.Load() {
							before := env.committed
							if err := message(p, env, ""); err != nil {
								t.Errorf("an event was lost: %v", err)
								return
							}
							if env.committed != before+1 || env.version[:7] != "VERSION" || env.count == 0 {
								t.Errorf("the commits went from %d to %d; the answer is %q %d", before, env.committed, env.version, env.count)
							}
							events.Add(1)
						}
					})
				}
				for n := range swaps {
					mustLoad(t, p, versions[n%len(versions)])
					if seen := events.Load(); n < swaps-1 {
						for events.Load() < seen+20 && !t.Failed() {
							time.Sleep(50 * time.Microsecond) // until events were served
						}
					}
				}
				stop.Store(true)
				wg.Wait()
				want := int64(1)
				if mode == Pool {
					want = int64(p.pool.size)
				}
				if n := p.alloc.regions.Load(); n > want {
					t.Errorf("%d memories after %d swaps, want at most %d", n, swaps, want)
				}
			})
		}
	}
}

// exclusiveEnv fails the test if hooks run at the same time and alone is set.
type exclusiveEnv struct {
	counterEnv
	t      *testing.T
	alone  bool
	inside *atomic.Int64
}

func (e *exclusiveEnv) Send(conn uint64, kind abi.Kind, data []byte) error {
	if e.inside.Add(1) > 1 && e.alone {
		e.t.Error("two hooks at a time")
	}
	return e.counterEnv.Send(conn, kind, data)
}

func (e *exclusiveEnv) Commit() error {
	defer e.inside.Add(-1)
	return e.counterEnv.Commit()
}

func TestConcurrentLoads(t *testing.T) {
	p := newPlugin(t, Options{NewEnv: newCounterEnv}, nil)
	var wg sync.WaitGroup
	for n := range 8 {
		wg.Go(func() {
			if _, err := p.Load(context.Background(), variant(t, fmt.Sprintf("VERSION%d", n%3))); err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := p.alloc.regions.Load(); n != 1 {
		t.Errorf("%d memories, want 1", n)
	}
	env := &counterEnv{}
	if err := message(p, env, ""); err != nil {
		t.Error(err)
	}
}

// TestCloseDuringLoad: all memory is freed when Close returns, whichever of the two wins.
func TestCloseDuringLoad(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		for range 20 {
			p := newPlugin(t, Options{Mode: mode, NewEnv: newCounterEnv}, guest(t, "counter"))
			loaded := make(chan error, 1)
			go func() {
				_, err := p.Load(context.Background(), variant(t, "VERSION1"))
				loaded <- err
			}()
			if err := p.Close(context.Background()); err != nil {
				t.Error(err)
			}
			if err := <-loaded; err != nil && !errors.Is(err, ErrNotLoaded) {
				t.Errorf("Load: %v", err)
			}
			if n := p.alloc.regions.Load(); n != 0 || p.Version() != "" {
				t.Errorf("%s: %d memories, version %q", mode, n, p.Version())
			}
		}
	}
}
