package plugin

import (
	"context"
	"errors"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

func TestPoolGrowsAsNeeded(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(3))
	p := newPlugin(t, Options{Mode: Pool, Metering: Off}, guest(t, "bounce"))
	var envs []*blockingEnv
	ran := make(chan error, 3)
	for n := range 3 {
		env := newBlockingEnv()
		envs = append(envs, env)
		go func() { ran <- message(p, env, "") }()
		<-env.entered
		if got := p.Stats().Instances; got != n+1 {
			t.Errorf("%d hooks run on %d instances", n+1, got)
		}
	}
	// The fourth event waits.
	ctx, cancel := context.WithCancel(t.Context())
	waits := make(chan error, 1)
	ev := Event{Hook: abi.OnMessage, Arg: 1}
	go func() { waits <- p.Run(ctx, &ev, &fakeEnv{}) }()
	waitQueue(p, 1)
	cancel()
	if err := <-waits; !errors.Is(err, context.Canceled) {
		t.Errorf("the wait returned %v", err)
	}
	for _, env := range envs {
		close(env.leave)
		if err := <-ran; err != nil {
			t.Error(err)
		}
	}
	// The most recently used instance is used next.
	p.pool.mu.Lock()
	last := p.pool.idle[2]
	p.pool.mu.Unlock()
	v, inst, err := p.acquire(t.Context())
	if err != nil || inst != last {
		t.Errorf("%v, another instance", err)
	}
	p.release(v, inst)
	if got := p.Stats(); got.Instances != 3 || got.MemoryBytes != 3*2*wasmPage {
		t.Errorf("got %+v", got)
	}
}

// TestNobodyStarves: an event that waits for long gets the slot, however fast others request it again.
func TestNobodyStarves(t *testing.T) {
	p := newPlugin(t, Options{Metering: Off}, guest(t, "bounce"))
	stop := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			env := &quietEnv{}
			for {
				select {
				case <-stop:
					return
				default:
					if err := message(p, env, "x"); err != nil {
						t.Error(err)
						return
					}
				}
			}
		})
	}
	for range 50 {
		if err := message(p, &quietEnv{}, "y"); err != nil {
			t.Error(err)
		}
	}
	close(stop)
	wg.Wait()
}

// TestCanceledWaits: waits that are canceled at any moment lose no slot.
func TestCanceledWaits(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		p := newPlugin(t, Options{Mode: mode, Metering: Off}, guest(t, "bounce"))
		var wg sync.WaitGroup
		for range 8 {
			wg.Go(func() {
				env := &quietEnv{}
				for n := range 500 {
					ctx, cancel := context.WithTimeout(context.Background(), time.Duration(n%50)*time.Microsecond)
					ev := Event{Hook: abi.OnMessage, Arg: 1}
					if err := p.Run(ctx, &ev, env); err != nil && !errors.Is(err, context.DeadlineExceeded) {
						t.Error(err)
					}
					cancel()
				}
			})
		}
		wg.Wait()
		p.pool.mu.Lock()
		busy, queue, waking := p.pool.busy, len(p.pool.queue), p.pool.waking
		p.pool.mu.Unlock()
		if busy != 0 || queue != 0 || waking {
			t.Errorf("%s: %d slots are busy, %d events wait, waking is %v", mode, busy, queue, waking)
		}
		if err := message(p, &quietEnv{}, "x"); err != nil {
			t.Error(err)
		}
	}
}

func TestCloseWaitsForHooks(t *testing.T) {
	p := newPlugin(t, Options{Metering: Off}, guest(t, "bounce"))
	env := newBlockingEnv()
	ran, waits, closed := make(chan error, 1), make(chan error, 1), make(chan error, 2)
	go func() { ran <- message(p, env, "") }()
	<-env.entered
	go func() { waits <- message(p, &fakeEnv{}, "") }()
	waitQueue(p, 1)

	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := p.Close(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("Close with a canceled context: %v", err)
	}
	if err := <-waits; !errors.Is(err, ErrNotLoaded) {
		t.Errorf("the event that waited: %v", err)
	}
	for range 2 {
		go func() { closed <- p.Close(context.Background()) }()
	}
	select {
	case err := <-closed:
		t.Errorf("Close did not wait: %v", err)
	case <-time.After(20 * time.Millisecond): // Close must not return in this time
	}
	close(env.leave)
	if err := <-ran; err != nil || env.committed != 1 {
		t.Errorf("the hook that ran: %v, committed %d", err, env.committed)
	}
	for range 2 {
		if err := <-closed; err != nil {
			t.Error(err)
		}
	}
	if n := p.alloc.regions.Load(); n != 0 {
		t.Errorf("%d memories after Close", n)
	}
}

// TestPanicInCommit: a panic of the Env in Commit does not keep the slot.
func TestPanicInCommit(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "bounce"))
	func() {
		defer func() {
			if recover() == nil {
				t.Error("the panic was swallowed")
			}
		}()
		_ = message(p, &panicEnv{}, "x")
	}()
	if err := message(p, &fakeEnv{}, "x"); err != nil {
		t.Error(err)
	}
}

type panicEnv struct{ fakeEnv }

func (*panicEnv) Commit() error { panic("commit") }

// BenchmarkSlot compares an instance slot with a mutex.
func BenchmarkSlot(b *testing.B) {
	for _, parallel := range []bool{false, true} {
		name := "alone"
		if parallel {
			name = "parallel"
		}
		run := func(b *testing.B, op func()) {
			b.ReportAllocs()
			if !parallel {
				for b.Loop() {
					op()
				}
				return
			}
			b.SetParallelism(4)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					op()
				}
			})
		}
		b.Run("take+put/"+name, func(b *testing.B) {
			p := newPlugin(b, Options{Metering: Off}, guest(b, "bounce"))
			ctx := context.Background()
			run(b, func() {
				v, inst, err := p.acquire(ctx)
				if err != nil {
					b.Error(err)
				}
				p.release(v, inst)
			})
		})
		b.Run("mutex/"+name, func(b *testing.B) {
			var mu sync.Mutex
			n := 0
			run(b, func() { mu.Lock(); n++; mu.Unlock() })
		})
		b.Run("echo/"+name, func(b *testing.B) {
			p := newPlugin(b, Options{Metering: Off}, guest(b, "bounce"))
			ctx, env := context.Background(), Env(nullEnv{})
			run(b, func() {
				ev := Event{Hook: abi.OnMessage, Conn: 7, Arg: 1}
				if err := p.Run(ctx, &ev, env); err != nil {
					b.Error(err)
				}
			})
		})
	}
}

// nullEnv has no state, so that goroutines can share it.
type nullEnv struct{ Env }

func (nullEnv) Send(uint64, abi.Kind, []byte) error { return nil }
func (nullEnv) Commit() error                       { return nil }
