package plugin

import (
	"context"
	"errors"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// faulty returns a module that traps when a message asks for it.
func faulty(t testing.TB) []byte { return guest(t, "faults") }

// runFaults runs n hooks that trap.
func runFaults(t testing.TB, p *Plugin, n int) {
	t.Helper()
	for range n {
		wantFault(t, message(p, &fakeEnv{}, "u"), Trap)
	}
}

// runGood runs n hooks that succeed.
func runGood(t testing.TB, p *Plugin, n int) {
	t.Helper()
	for range n {
		if err := message(p, &fakeEnv{}, "1"); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOutcomes(t *testing.T) {
	for name, tc := range map[string]struct {
		do   func(t *testing.T, p *Plugin)
		want Outcome
	}{
		"nothing":           {func(*testing.T, *Plugin) {}, Pending},
		"all but one hook":  {func(t *testing.T, p *Plugin) { runGood(t, p, TrialHooks-1) }, Pending},
		"all hooks":         {func(t *testing.T, p *Plugin) { runGood(t, p, TrialHooks) }, Passed},
		"all but one fault": {func(t *testing.T, p *Plugin) { runFaults(t, p, TrialFaults-1) }, Pending},
		"all faults":        {func(t *testing.T, p *Plugin) { runFaults(t, p, TrialFaults) }, Failed},
		"faults between others": {func(t *testing.T, p *Plugin) {
			runFaults(t, p, 1)
			runGood(t, p, 16)
			runFaults(t, p, 2)
		}, Failed},
		"the last hook a fault": {func(t *testing.T, p *Plugin) {
			runFaults(t, p, 2)
			runGood(t, p, 17)
			runFaults(t, p, 1)
		}, Failed},
		"two faults in a trial": {func(t *testing.T, p *Plugin) {
			runFaults(t, p, 2)
			runGood(t, p, 18)
			runFaults(t, p, 5)
		}, Passed},
		"Pass":                   {func(t *testing.T, p *Plugin) { p.Trial().Pass(); runFaults(t, p, 5) }, Passed},
		"another version":        {func(t *testing.T, p *Plugin) { mustLoad(t, p, guest(t, "bounce")) }, Superseded},
		"the same version":       {func(t *testing.T, p *Plugin) { mustLoad(t, p, faulty(t)) }, Pending},
		"a module that fails":    {func(t *testing.T, p *Plugin) { _, _ = p.Load(t.Context(), []byte("x")) }, Pending},
		"hooks it does not have": {func(t *testing.T, p *Plugin) { runMissing(t, p, 2*TrialHooks) }, Pending},
		"Close":                  {func(t *testing.T, p *Plugin) { _ = p.Close(t.Context()) }, Superseded},
	} {
		t.Run(name, func(t *testing.T) {
			p := newPlugin(t, Options{}, faulty(t))
			trial := p.Trial()
			tc.do(t, p)
			if got := trial.Outcome(); got != tc.want {
				t.Errorf("outcome %d, want %d", got, tc.want)
			}
			select {
			case <-trial.Done():
				if tc.want == Pending {
					t.Error("Done is closed")
				}
			default:
				if tc.want != Pending {
					t.Error("Done is not closed")
				}
			}
		})
	}
}

// runMissing runs n events whose hook the module does not have.
func runMissing(t *testing.T, p *Plugin, n int) {
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
	runFaults(t, p, TrialFaults)
	again := p.Retry(first)
	if again == nil || again == first || again.Outcome() != Pending || p.Trial() != again {
		t.Fatal("no new trial")
	}
	runGood(t, p, TrialHooks)
	if again.Outcome() != Passed || first.Outcome() != Failed {
		t.Errorf("outcomes %d and %d", first.Outcome(), again.Outcome())
	}
	mustLoad(t, p, guest(t, "bounce"))
	if p.Retry(again) != nil {
		t.Error("a version that is not current got a new trial")
	}
}

// TestRestore: Restore returns to the kept version, several times and in both modes.
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
				runFaults(t, p, TrialFaults)
				// The bytes are not used: the kept version is still compiled.
				id, err := p.Restore(t.Context(), trial, nil)
				if err != nil || id != was || p.Version() != was {
					t.Fatalf("version %s runs, want %s: %v", p.Version(), was, err)
				}
				if err := message(p, &fakeEnv{}, "x"); err != nil {
					t.Error(err)
				}
				if _, err := p.Restore(t.Context(), trial, nil); !errors.Is(err, ErrSuperseded) {
					t.Errorf("the second Restore: %v", err)
				}
			}
			// A version between the two was not kept.
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
		t.Error("Restore accepted bytes that are not a module")
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

// TestConcurrentLoadsAndRestores loads and restores versions at the same time while hooks run. Every hook finds a
// version, and all memory is freed in the end, which newPlugin checks.
func TestConcurrentLoadsAndRestores(t *testing.T) {
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
					_, err := p.Restore(t.Context(), p.Trial(), guest(t, "bounce"))
					if err != nil && !errors.Is(err, ErrSuperseded) {
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
