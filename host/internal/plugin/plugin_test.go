package plugin

import (
	"context"
	"errors"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

func TestEcho(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		for _, m := range []Metering{Deadline, Off} {
			t.Run(string(mode)+"/"+string(m), func(t *testing.T) {
				p := newPlugin(t, Options{Mode: mode, Metering: m}, guest(t, "bounce"))
				env := &fakeEnv{}
				if err := message(p, env, "hello"); err != nil {
					t.Fatal(err)
				}
				if got, want := env.log(), `Send 7 text "hello"`; got != want {
					t.Errorf("got %s, want %s", got, want)
				}
				if env.committed != 1 {
					t.Errorf("committed %d times, want once", env.committed)
				}
			})
		}
	}
}

func TestNotLoaded(t *testing.T) {
	p := newPlugin(t, Options{}, nil)
	if err := message(p, &fakeEnv{}, "x"); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("before Load: %v", err)
	}
	if p.Has(abi.OnMessage) || p.Version() != "" {
		t.Error("a plugin without a version has a hook or a version id")
	}
	id := mustLoad(t, p, guest(t, "bounce"))
	if p.Version() != id || len(id) != 12 {
		t.Errorf("the version is %q, and Load returned %q", p.Version(), id)
	}
	if !p.Has(abi.OnMessage) || p.Has(abi.OnConnect) {
		t.Error("Has returns the wrong hooks")
	}
	if err := p.Close(context.Background()); err != nil {
		t.Fatal(err)
	}
	if err := message(p, &fakeEnv{}, "x"); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("after Close: %v", err)
	}
	if _, err := p.Load(context.Background(), guest(t, "bounce")); !errors.Is(err, ErrNotLoaded) {
		t.Errorf("Load after Close: %v", err)
	}
}

func TestHookThatTheModuleLacks(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		p := newPlugin(t, Options{Mode: mode}, guest(t, "bounce"))
		env := &fakeEnv{}
		if err := p.Run(context.Background(), &Event{Hook: abi.OnClose, Conn: 7}, env); err != nil {
			t.Fatal(err)
		}
		if env.committed != 1 || len(env.calls) != 0 {
			t.Errorf("%s: committed %d, calls %s", mode, env.committed, env.log())
		}
	}
}

func TestUnknownOptions(t *testing.T) {
	for _, o := range []Options{{Mode: "many"}, {Metering: "some"}, {Deadline: -1}, {MemoryLimit: 5 << 30}} {
		if _, err := New(o); err == nil {
			t.Errorf("New accepted %+v", o)
		}
	}
}
