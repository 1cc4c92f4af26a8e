package plugin

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
)

func TestOnLoadFails(t *testing.T) {
	for _, test := range []struct{ config, want string }{
		{"u", "unreachable"},
		{"e", "on_load returned 7"},
		{"f", "on_load failed with -8: no luck"},
		{"F", "on_load failed with 0: no luck"},
		{"l", "deadline"},
		{"x", "exit with code 3"},
		{"r", "stack overflow"},
	} {
		o := newObserved()
		p := newPlugin(t, Options{Config: []byte(test.config), LoadDeadline: 500 * time.Millisecond, Observer: o}, nil)
		_, err := p.Load(t.Context(), guest(t, "faults"))
		wantFault(t, err, StartFailed)
		if !strings.Contains(err.Error(), test.want) {
			t.Errorf("%s: got %v, want %q", test.config, err, test.want)
		}
		if p.Version() != "" || p.Stats() != (Stats{}) || p.alloc.regions.Load() != 0 {
			t.Errorf("%s: the failed version is not freed: %q, %+v", test.config, p.Version(), p.Stats())
		}
		if got := <-o.hooks; got != "on_load start" || len(o.hooks) != 0 {
			t.Errorf("%s: the observer received %q", test.config, got)
		}
	}
}

func TestFailedLoadLeavesOldVersion(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "bounce"))
	old := p.Version()
	p.options.Config = []byte("u") // for faults; bounce has no on_load
	for _, wasm := range [][]byte{guest(t, "faults"), []byte("garbage"), nil} {
		if _, err := p.Load(t.Context(), wasm); err == nil {
			t.Fatal("loaded")
		}
		if p.Version() != old {
			t.Errorf("the version is %s, want %s", p.Version(), old)
		}
		env := &fakeEnv{}
		if err := message(p, env, "still here"); err != nil || env.log() != `Send 7 text "still here"` {
			t.Errorf("%v: %s", err, env.log())
		}
	}
}

// TestOnLoadCommitsOnce: the effects of on_load take place once for a version.
func TestOnLoadCommitsOnce(t *testing.T) {
	var envs []*fakeEnv
	p := newPlugin(t, Options{NewEnv: func() Env {
		envs = append(envs, &fakeEnv{})
		return envs[len(envs)-1]
	}}, guest(t, "counter"))
	if err := message(p, &fakeEnv{}, ""); err != nil {
		t.Fatal(err)
	}
	v, inst, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	inst.close()
	p.release(v, nil) // as after a fault
	if err := message(p, &fakeEnv{}, ""); err != nil {
		t.Fatal(err)
	}
	if len(envs) != 2 {
		t.Fatalf("%d instances started, want 2", len(envs))
	}
	for i, env := range envs {
		if env.log() != `TimerSet 0 "tick" 1s` {
			t.Errorf("instance %d called %s", i, env.log())
		}
		if want := 1 - i; env.committed != want {
			t.Errorf("instance %d committed %d times, want %d", i, env.committed, want)
		}
		if env.committed+env.dropped != 1 {
			t.Errorf("instance %d: %d commits and %d drops, want one of them", i, env.committed, env.dropped)
		}
	}
}

func TestNoEnvWhileStarting(t *testing.T) {
	// counter's on_load returns the result of timer_set, which is State without an Env.
	p := newPlugin(t, Options{}, nil)
	_, err := p.Load(t.Context(), guest(t, "counter"))
	var he *HookError
	if !errors.As(err, &he) || he.Code != int32(abi.State) {
		t.Errorf("got %v, want %d from on_load", err, abi.State)
	}
}

func TestReplacementFailsToStart(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "faults"))
	wantFault(t, message(p, &fakeEnv{}, "u"), Trap)
	p.options.Config = []byte("u")
	f := wantFault(t, message(p, &fakeEnv{}, "."), StartFailed)
	if f.Hook != abi.OnLoad {
		t.Errorf("fault in %s", f.Hook)
	}
	p.options.Config = []byte(".")
	if err := message(p, &fakeEnv{}, "."); err != nil {
		t.Errorf("the next start: %v", err)
	}
}

func TestStartFunctions(t *testing.T) {
	unreachable, loop := []byte{0x00}, []byte{0x03, 0x40, 0x0c, 0x00, 0x0b}
	inbox := func(ptr, capacity uint32) []byte {
		return append([]byte{0x42}, sleb(int64(uint64(ptr)<<32|uint64(capacity)))...)
	}
	tests := []struct {
		name   string
		change func(*module)
		want   string // empty: it starts
	}{
		{"plain", func(*module) {}, ""},
		{"empty inbox", func(m *module) { m.body("azu_v1", inbox(0, 0)) }, ""},
		{"empty inbox at the end", func(m *module) { m.body("azu_v1", inbox(65536, 0)) }, ""},
		{"whole memory", func(m *module) { m.body("azu_v1", inbox(0, 65536)) }, ""},
		{"inbox outside", func(m *module) { m.body("azu_v1", inbox(1, 65536)) }, "the inbox, 65536 bytes at 1, is outside"},
		{"inbox wraps", func(m *module) { m.body("azu_v1", inbox(0xffffffff, 0xffffffff)) }, "is outside"},
		{"azu_v1 traps", func(m *module) { m.body("azu_v1", unreachable) }, "azu_v1: wasm error: unreachable"},
		{"_initialize traps", func(m *module) { m.export("_initialize", "", "", unreachable) },
			"_initialize: wasm error: unreachable"},
		{"_initialize loops", func(m *module) { m.export("_initialize", "", "", loop) }, "deadline"},
		{"_initialize is fine", func(m *module) { m.export("_initialize", "", "", nil) }, ""},
		{"start traps", func(m *module) { m.start = m.export("s", "", "", unreachable) }, "unreachable"},
		{"start loops", func(m *module) { m.start = m.export("s", "", "", loop) }, "deadline"},
		{"start is fine", func(m *module) { m.start = m.export("s", "", "", nil) }, ""},
		{"data outside", func(m *module) { m.data = 65535 }, "out of bounds memory access"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p := newPlugin(t, Options{LoadDeadline: 300 * time.Millisecond}, nil)
			m := goodModule()
			test.change(m)
			_, err := p.Load(t.Context(), m.encode())
			if test.want == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := message(p, &fakeEnv{}, "hello"); err != nil {
					t.Error(err)
				}
				return
			}
			wantFault(t, err, StartFailed)
			if !strings.Contains(err.Error(), test.want) {
				t.Errorf("got %v, want %q", err, test.want)
			}
			if n := p.alloc.regions.Load(); n != 0 {
				t.Errorf("%d memories are not freed", n)
			}
		})
	}
}
