package plugin

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// faulty is a version whose every message traps, and its id.
func faulty(t testing.TB) []byte { return guest(t, "faults") }

// trap has n hooks fail with a fault.
func trap(t testing.TB, p *Plugin, n int) {
	t.Helper()
	for range n {
		wantFault(t, message(p, &fakeEnv{}, "u"), Trap)
	}
}

func good(t testing.TB, p *Plugin, n int) {
	t.Helper()
	for range n {
		if err := message(p, &fakeEnv{}, "1"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerdicts(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(t *testing.T, p *Plugin)
		want Outcome
	}{
		"nothing":                {func(*testing.T, *Plugin) {}, Pending},
		"all but one hook":       {func(t *testing.T, p *Plugin) { good(t, p, TrialHooks-1) }, Pending},
		"all hooks":              {func(t *testing.T, p *Plugin) { good(t, p, TrialHooks) }, Passed},
		"a fault less":           {func(t *testing.T, p *Plugin) { trap(t, p, TrialFaults-1) }, Pending},
		"all faults":             {func(t *testing.T, p *Plugin) { trap(t, p, TrialFaults) }, Failed},
		"faults among others":    {func(t *testing.T, p *Plugin) { trap(t, p, 1); good(t, p, 16); trap(t, p, 2) }, Failed},
		"the last hook a fault":  {func(t *testing.T, p *Plugin) { trap(t, p, 2); good(t, p, 17); trap(t, p, 1) }, Failed},
		"bears some":             {func(t *testing.T, p *Plugin) { trap(t, p, 2); good(t, p, 18); trap(t, p, 5) }, Passed},
		"time":                   {func(t *testing.T, p *Plugin) { p.Trial().Pass(); trap(t, p, 5) }, Passed},
		"another version":        {func(t *testing.T, p *Plugin) { mustLoad(t, p, guest(t, "bounce")) }, Superseded},
		"the same version":       {func(t *testing.T, p *Plugin) { mustLoad(t, p, faulty(t)) }, Pending},
		"another that loads not": {func(t *testing.T, p *Plugin) { _, _ = p.Load(t.Context(), []byte("x")) }, Pending},
		"hooks that it lacks":    {func(t *testing.T, p *Plugin) { runClosed(t, p, 2*TrialHooks) }, Pending},
		"the end":                {func(t *testing.T, p *Plugin) { _ = p.Close(t.Context()) }, Superseded},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlugin(t, Options{}, faulty(t))
			trial := p.Trial()
			tc.do(t, p)
			if got := trial.Outcome(); got != tc.want {
				t.Errorf("verdict %d, want %d", got, tc.want)
			}
			select {
			case <-trial.Done():
				if tc.want == Pending {
					t.Error("it is over")
				}
			default:
				if tc.want != Pending {
					t.Error("it is not over")
				}
			}
		})
	}
}

// runClosed has events come whose hook the module does not have.
func runClosed(t *testing.T, p *Plugin, n int) {
	t.Helper()
	if p.Has(abi.OnTimer) {
		t.Fatal("the guest has on_timer")
	}
	for range n {
		if err := p.Run(t.Context(), &Event{Hook: abi.OnTimer}, &fakeEnv{}); err != nil {
			t.Fatal(err)
		}
	}
}

func TestRetry(t *testing.T) {
	p := newPlugin(t, Options{}, faulty(t))
	first := p.Trial()
	trap(t, p, TrialFaults)
	again := p.Retry(first)
	if again == nil || again == first || again.Outcome() != Pending || p.Trial() != again {
		t.Fatal("no new trial")
	}
	good(t, p, TrialHooks)
	if again.Outcome() != Passed || first.Outcome() != Failed {
		t.Errorf("verdicts %d and %d", first.Outcome(), again.Outcome())
	}
	mustLoad(t, p, guest(t, "bounce"))
	if p.Retry(again) != nil {
		t.Error("a version that runs no more is on trial")
	}
}

// TestRestore goes back to the version that was kept, in both modes, as often
// as it takes.
func TestRestore(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		t.Run(string(mode), func(t *testing.T) {
			p := newPlugin(t, Options{Mode: mode}, guest(t, "bounce"))
			was := p.Version()
			if err := p.Keep(p.Trial()); err != nil {
				t.Fatal(err)
			}
			for range 3 {
				mustLoad(t, p, faulty(t))
				trial := p.Trial()
				trap(t, p, TrialFaults)
				// The bytes are not looked at: the code is still there.
				id, err := p.Restore(t.Context(), trial, nil)
				if err != nil || id != was || p.Version() != was {
					t.Fatalf("version %s runs, want %s: %v", p.Version(), was, err)
				}
				if err := message(p, &fakeEnv{}, "x"); err != nil {
					t.Error(err)
				}
				if _, err := p.Restore(t.Context(), trial, nil); !errors.Is(err, ErrSuperseded) {
					t.Errorf("restored twice: %v", err)
				}
			}
			// A version between the two was never kept.
			mustLoad(t, p, guest(t, "echo"))
			mustLoad(t, p, faulty(t))
			if id, err := p.Restore(t.Context(), p.Trial(), nil); err != nil || id != was {
				t.Errorf("%s %v", id, err)
			}
			if s := p.Stats(); s.Instances != 1 {
				t.Errorf("%d instances", s.Instances)
			}
		})
	}
}

func TestRestoreFromBytes(t *testing.T) {
	p := newPlugin(t, Options{}, faulty(t))
	if _, err := p.Restore(t.Context(), p.Trial(), []byte("no module")); err == nil {
		t.Error("restored what is no module")
	}
	stays := p.Version()
	if err := message(p, &fakeEnv{}, "1"); err != nil || p.Version() != stays {
		t.Error(err)
	}
	if id, err := p.Restore(t.Context(), p.Trial(), guest(t, "bounce")); err != nil || id != p.Version() || id == stays {
		t.Errorf("%s %v", id, err)
	}
}

func TestKeepIsForTheCurrentVersion(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "bounce"))
	old := p.Trial()
	mustLoad(t, p, faulty(t))
	if err := p.Keep(old); !errors.Is(err, ErrSuperseded) {
		t.Error(err)
	}
	now := p.Trial()
	if err := p.Keep(now); err != nil {
		t.Error(err)
	}
	_ = p.Close(context.Background())
	if err := p.Keep(now); !errors.Is(err, ErrSuperseded) {
		t.Error(err)
	}
	if _, err := p.Restore(t.Context(), now, guest(t, "bounce")); err == nil {
		t.Error("restored after Close")
	}
}

// TestLoadsAndRestoresAtOnce has versions come and go back at the same time
// while hooks run: one of the two versions runs all the time, and in the end
// nothing is left (newPlugin looks).
func TestLoadsAndRestoresAtOnce(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		p := newPlugin(t, Options{Mode: mode}, guest(t, "bounce"))
		if err := p.Keep(p.Trial()); err != nil {
			t.Fatal(err)
		}
		stop := make(chan struct{})
		var wait sync.WaitGroup
		for range 2 {
			wait.Go(func() {
				for {
					select {
					case <-stop:
						return
					default:
					}
					if err := message(p, &fakeEnv{}, "1"); err != nil {
						t.Error(err)
						return
					}
				}
			})
			wait.Go(func() {
				for range 30 {
					if _, err := p.Restore(t.Context(), p.Trial(), guest(t, "bounce")); err != nil && !errors.Is(err, ErrSuperseded) {
						t.Error(err)
					}
				}
			})
		}
		for range 15 {
			mustLoad(t, p, faulty(t))
			mustLoad(t, p, guest(t, "echo"))
		}
		close(stop)
		wait.Wait()
	}
}
