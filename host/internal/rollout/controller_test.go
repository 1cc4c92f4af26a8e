package rollout

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/plugin"
)

// guest returns version n of a plugin that traps on the message "u".
func guest(t *testing.T, n byte) []byte {
	t.Helper()
	b, err := os.ReadFile("../../../testplugins/faults.wasm")
	if err != nil {
		t.Fatal(err)
	}
	return append(b, 0, 2, 1, '0'+n) // a custom section whose name is n
}

// env accepts what the guest sends. Other calls panic.
type env struct{ plugin.Env }

func (env) Send(uint64, abi.Kind, []byte) error { return nil }
func (env) Commit() error                       { return nil }
func (env) Drop()                               {}

// testController is a Controller with its plugin, its file, and what it has reported.
type testController struct {
	*Controller
	t      *testing.T
	cancel context.CancelFunc
	wait   sync.WaitGroup

	reported chan struct{} // receives after an event was added

	mu     sync.Mutex
	events []Event
	saved  []string
}

// newTestController returns a Controller whose plugin and goroutines end with the test.
func newTestController(t *testing.T, h *History) *testController {
	t.Helper()
	p, err := plugin.New(plugin.Options{Deadline: 10 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	c := &testController{t: t, cancel: cancel, reported: make(chan struct{}, 1)}
	c.Controller = NewController(Options{
		Plugin: p, History: h, File: filepath.Join(t.TempDir(), "p.wasm"), Limit: 1 << 20,
		Save: func(m Module) {
			c.mu.Lock()
			defer c.mu.Unlock()
			c.saved = append(c.saved, m.Version())
		},
		Go: func(f func(context.Context)) { c.wait.Go(func() { f(ctx) }) },
		Report: func(e Event) {
			c.mu.Lock()
			c.events = append(c.events, e)
			c.mu.Unlock()
			select {
			case c.reported <- struct{}{}:
			default:
			}
		},
	})
	t.Cleanup(func() {
		cancel()
		c.wait.Wait()
		if err := p.Close(context.Background()); err != nil {
			t.Error(err)
		}
	})
	return c
}

// write writes the file of the plugin.
func (c *testController) write(wasm []byte) {
	c.t.Helper()
	if err := os.WriteFile(c.File, wasm, 0o600); err != nil {
		c.t.Fatal(err)
	}
}

// load writes version n and loads it.
func (c *testController) load(n byte) {
	c.t.Helper()
	c.write(guest(c.t, n))
	if err := c.Load(c.t.Context()); err != nil {
		c.t.Fatal(err)
	}
}

// hooks runs n hooks, which trap if they should.
func (c *testController) hooks(n int, trap bool) {
	c.t.Helper()
	data := []byte("-")
	if trap {
		data = []byte("u")
	}
	for range n {
		event := plugin.Event{Hook: abi.OnMessage, Conn: 1, Data: data, Arg: int32(abi.Text)}
		err := c.Plugin.Run(c.t.Context(), &event, env{})
		if (err != nil) != trap {
			c.t.Fatal(err)
		}
	}
}

// want waits for the kinds of the events since the last call, and returns the last event.
func (c *testController) want(kinds ...Kind) Event {
	c.t.Helper()
	var got []Kind
	deadline := time.After(10 * time.Second)
	for {
		c.mu.Lock()
		events := slices.Clone(c.events)
		c.mu.Unlock()
		got = got[:0]
		for _, e := range events {
			got = append(got, e.Kind)
		}
		if slices.Equal(got, kinds) {
			c.mu.Lock()
			c.events = c.events[len(events):]
			c.mu.Unlock()
			return events[len(events)-1]
		}
		if len(got) > len(kinds) {
			c.t.Fatalf("events %v, want %v", got, kinds)
		}
		select {
		case <-c.reported:
		case <-deadline:
			c.t.Fatalf("events %v, want %v", got, kinds)
		}
	}
}

// runs checks the version that runs.
func (c *testController) runs(n byte) {
	c.t.Helper()
	if got := c.Plugin.Version(); got != c.id(n) {
		c.t.Errorf("%s runs, want version %d, %s", got, n, c.id(n))
	}
}

// id returns the version id of version n.
func (c *testController) id(n byte) string { return newModule(guest(c.t, n)).Version() }

// TestAutomaticRollback checks that a version that fails its trial is replaced by the last good one and refused until
// another version loads.
func TestAutomaticRollback(t *testing.T) {
	c := newTestController(t, NewHistory(nil))
	c.load(1)
	c.want(Installed, Loaded)
	c.Activate()
	c.hooks(plugin.TrialHooks, false)
	if e := c.want(Passed); e.Version != c.id(1) || e.Hooks != plugin.TrialHooks || e.Faults != 0 {
		t.Errorf("%+v", e)
	}
	c.load(1)
	c.want(Unchanged)
	c.load(2)
	c.want(Installed, Loaded)
	c.hooks(plugin.TrialFaults, true)
	e := c.want(RolledBack)
	if e.From != c.id(2) || e.Version != c.id(1) || e.Faults != plugin.TrialFaults || e.Took <= 0 {
		t.Errorf("%+v", e)
	}
	c.runs(1)
	c.load(2)
	if e := c.want(Refused); e.Version != c.id(2) {
		t.Errorf("%+v", e)
	}
	c.runs(1)
	c.load(3) // a version that loads lifts all refusals
	c.want(Installed, Loaded)
	c.load(2)
	c.want(Installed, Loaded)
	c.runs(2)
	if want := []string{c.id(1)}; !slices.Equal(c.saved, want) {
		t.Errorf("saved %v, want %v", c.saved, want)
	}
}

// TestManualRollback checks that RollBack goes one version back, refuses the replaced one, and changes nothing if it
// fails.
func TestManualRollback(t *testing.T) {
	c := newTestController(t, NewHistory(nil))
	c.load(1)
	c.Activate()
	if err := c.RollBack(t.Context()); !errors.Is(err, ErrNoVersion) || !strings.Contains(err.Error(), c.id(1)) {
		t.Errorf("with one version: %v", err)
	}
	c.hooks(plugin.TrialHooks, false)
	c.want(Installed, Loaded, Passed)
	c.load(2)
	c.hooks(plugin.TrialHooks, false)
	c.want(Installed, Loaded, Passed)
	if err := c.RollBack(t.Context()); err != nil {
		t.Fatal(err)
	}
	if e := c.want(Installed, Reverted); e.Version != c.id(1) {
		t.Errorf("%+v", e)
	}
	c.runs(1)
	if err := c.RollBack(t.Context()); !errors.Is(err, ErrNoVersion) {
		t.Errorf("twice: %v", err)
	}
	c.load(2)
	c.want(Refused)
	c.History.Lift()
	c.load(2)
	c.want(Installed, Loaded)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := c.RollBack(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	c.runs(2)
	if _, refused := c.History.IDs(); refused != "" {
		t.Errorf("%s is refused after a rollback that failed", refused)
	}
	if want := []string{c.id(1), c.id(2), c.id(1)}; !slices.Equal(c.saved, want) {
		t.Errorf("saved %v, want %v", c.saved, want)
	}
}

// TestRollbackFails checks that a version that fails its trial continues to run if the last good one does not start.
func TestRollbackFails(t *testing.T) {
	broken := newModule([]byte("no module"))
	c := newTestController(t, NewHistory(&broken))
	c.load(1)
	c.Activate()
	c.hooks(plugin.TrialFaults, true)
	e := c.want(Installed, Loaded, RollbackFailed)
	if e.From != c.id(1) || e.Err == nil {
		t.Errorf("%+v", e)
	}
	c.runs(1)
	c.load(1)
	c.want(Unchanged)
}

// TestLoadLastGood checks that the last good version runs, without a trial, if the file does not load or is refused.
func TestLoadLastGood(t *testing.T) {
	good := newModule(guest(t, 1))
	for name, wasm := range map[string][]byte{"a broken file": []byte("no module"), "a refused file": guest(t, 2)} {
		t.Run(name, func(t *testing.T) {
			h := NewHistory(&good)
			rb, _ := h.failed(newModule(guest(t, 2)))
			rb.done()
			c := newTestController(t, h)
			c.write(wasm)
			err := c.Load(t.Context())
			if bytes.Equal(wasm, guest(t, 2)) {
				if err != nil {
					t.Fatal(err)
				}
				c.want(Refused, Installed, LastGoodLoaded)
			} else {
				if err == nil {
					t.Fatal("no error")
				}
				c.want(LoadFailed)
				if err := c.LoadLastGood(t.Context(), err); err != nil {
					t.Fatal(err)
				}
				if e := c.want(Installed, LastGoodLoaded); !errors.Is(e.Err, err) {
					t.Errorf("%+v", e)
				}
			}
			c.Activate()
			c.runs(1)
			if o := c.Plugin.Trial().Outcome(); o != plugin.Passed {
				t.Errorf("outcome %d", o)
			}
		})
	}
	c := newTestController(t, NewHistory(nil))
	cause := errors.New("cause")
	if err := c.LoadLastGood(t.Context(), cause); err != cause {
		t.Errorf("without a last good version: %v", err)
	}
}

// TestInactive checks that a version is not in the History, and not on trial, before Activate.
func TestInactive(t *testing.T) {
	good := newModule(guest(t, 1))
	h := NewHistory(&good)
	c := newTestController(t, h)
	c.load(2)
	c.want(Installed, Loaded)
	if h.running != nil {
		t.Error("the version runs before Activate")
	}
	c.Activate()
	if h.running == nil || h.running.Version() != c.id(2) {
		t.Error("the version does not run after Activate")
	}
	c.hooks(plugin.TrialFaults, true)
	c.want(RolledBack)
	c.runs(1)
}
