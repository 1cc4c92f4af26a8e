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

// TestOnLoadAndStore checks that on_load does not lock the store for hooks, that its sums are added to the numbers that
// hooks have committed, and that an on_load that is dropped changes nothing.
func TestOnLoadAndStore(t *testing.T) {
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
	ok(load.StoreAdd(text, 1, 0)) // adds to the value that on_load has set
	during := hook()
	ok(during.StoreAdd(key, 10, 0)) // returns TIMEOUT if on_load locks the store
	ok(0, during.StoreSet(text, []byte("not a number"), 0))
	commit(t, during)
	ok(load.StoreAdd(key, 100, 0))
	read(key, "10")
	commit(t, load)
	load.Drop()
	read(key, "111")
	read(fresh, "7")
	read(text, "6")

	// The changes of an on_load that is dropped have no effect.
	other := set.loadEnv()
	ok(other.StoreAdd(key, 1, 0))
	ok(0, other.StoreDelete(fresh))
	other.Drop()
	read(key, "111")
	read(fresh, "7")
	if rt.store.Size() != len("n111fresh7text6")+3*store.EntryOverhead {
		t.Errorf("the store counts %d bytes", rt.store.Size())
	}

	// If a hook has replaced the number by text, the text stays.
	third := set.loadEnv()
	ok(third.StoreAdd(key, 1, 0))
	during = hook()
	ok(0, during.StoreSet(key, []byte("x"), 0))
	commit(t, during)
	commit(t, third)
	read(key, "x")
}

func commit(t *testing.T, env plugin.Env) {
	t.Helper()
	if err := env.Commit(); err != nil {
		t.Error(err)
	}
}
