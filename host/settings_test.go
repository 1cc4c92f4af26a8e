package host

import (
	"context"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"github.com/azuhost/azuhost/host/internal/plugin"
	"github.com/azuhost/azuhost/host/internal/store"
)

// TestOnLoadAndTheStore: on_load does not keep hooks from the store, and adds
// to what they have left there.
func TestOnLoadAndTheStore(t *testing.T) {
	h, err := New(Options{Routes: []Route{{Path: "/c", Plugin: "../testplugins/echo.wasm"}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	rt := h.runtime("/c")
	set := rt.settings.Load()
	key, fresh, text := []byte("n"), []byte("fresh"), []byte("text")
	ok := func(_ int64, err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	hook := func() *call { return &call{rt: rt, set: set, hook: abi.OnMessage, outbox: &hub.Outbox{Hub: rt.hub}} }
	read := func(key []byte, want string) {
		t.Helper()
		if b, _ := hook().AppendStore(nil, key); string(b) != want {
			t.Errorf("%s is %q, want %q", key, b, want)
		}
	}

	load := set.loadEnv()
	ok(load.StoreAdd(key, 1, 0))
	ok(load.StoreAdd(fresh, 7, time.Hour))
	ok(0, load.StoreSet(text, []byte("5"), 0))
	ok(load.StoreAdd(text, 1, 0)) // to its own number
	during := hook()
	ok(during.StoreAdd(key, 10, 0)) // would answer TIMEOUT
	ok(0, during.StoreSet(text, []byte("not a number"), 0))
	commit(t, during)
	ok(load.StoreAdd(key, 100, 0))
	read(key, "10")
	commit(t, load)
	load.Drop()
	read(key, "111")
	read(fresh, "7")
	read(text, "6")

	// What on_load of another instance asks for is dropped.
	other := set.loadEnv()
	ok(other.StoreAdd(key, 1, 0))
	ok(0, other.StoreDelete(fresh))
	other.Drop()
	read(key, "111")
	read(fresh, "7")
	if rt.store.Size() != len("n111fresh7text6")+3*store.EntryOverhead {
		t.Errorf("the store counts %d bytes", rt.store.Size())
	}

	// Where a hook has made something else of a number meanwhile, that stays.
	third := set.loadEnv()
	ok(third.StoreAdd(key, 1, 0))
	during = hook()
	ok(0, during.StoreSet(key, []byte("x"), 0))
	commit(t, during)
	commit(t, third)
	read(key, "x")
}

// TestTimerInTheEnd: a timer that a hook sets and clears is never set, however
// soon it is due.
func TestTimerInTheEnd(t *testing.T) {
	h, err := New(Options{Routes: []Route{{Path: "/c", Channel: &Funcs{}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	set := h.runtime("/c").settings.Load()
	rt := newRouteRuntime(h, set) // without a clerk that would take what is due
	k := &call{rt: rt, set: set, outbox: &hub.Outbox{Hub: rt.hub}}
	for _, err := range []error{
		k.TimerSet(0, []byte("never"), 0), k.TimerClear(0, []byte("never")),
		k.TimerSet(0, []byte("later"), 0), k.TimerSet(0, []byte("later"), time.Hour),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var far time.Time
	for i := range k.effects {
		k.apply(i, &k.effects[i])
		if at, ok := rt.timers.Next(); ok {
			far = at
			if time.Until(at) < time.Minute {
				t.Error("a timer is due that the hook does not want in the end")
			}
		}
	}
	if far.IsZero() || rt.timers.Len() != 1 {
		t.Errorf("%d timers are set, want 1", rt.timers.Len())
	}
}

func commit(t *testing.T, env plugin.Env) {
	t.Helper()
	if err := env.Commit(); err != nil {
		t.Error(err)
	}
}
