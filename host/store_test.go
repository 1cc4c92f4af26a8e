package host_test

import (
	"errors"
	"fmt"
	"math"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
)

// TestStoreAddIsAtomic adds from many connections at once. It checks that each result is returned once, and the sum.
func TestStoreAddIsAtomic(t *testing.T) {
	const conns, adds = 8, 100
	onBoth(t, func(t *testing.T, r host.Route) {
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		var wait sync.WaitGroup
		results := make([][]string, conns)
		for i := range results {
			c := wstest.Dial(t, url, "/c")
			wait.Go(func() {
				for range adds {
					if err := c.WriteText("store_add n;store_get n"); err != nil {
						t.Error(err)
						return
					}
				}
				for range adds {
					p, err := c.ReadFrame()
					if err != nil {
						t.Error(err)
						return
					}
					results[i] = append(results[i], string(p))
				}
			})
		}
		wait.Wait()
		seen := map[string]bool{}
		for i, list := range results {
			last := 0
			for _, s := range list {
				n, _ := strconv.Atoi(s)
				if seen[s] || n <= last {
					t.Fatalf("connection %d got %q after %d", i, s, last)
				}
				seen[s], last = true, n
			}
		}
		do(t, dial(t, url+"/c"), "store_get n", strconv.Itoa(conns*adds))
	})
}

// TestStoreTTL checks that values expire, and not before their time to live is over.
func TestStoreTTL(t *testing.T) {
	const ttl = 50 * time.Millisecond
	f := scriptInGo()
	script := f.OnMessage
	f.OnMessage = func(env host.Env, conn host.ConnID, m host.Message) error {
		if string(m.Data) != "ttl" {
			return script(env, conn, m)
		}
		_, err := env.StoreAdd("n", 5, ttl)
		return errors.Join(err, env.StoreSet("k", []byte("v"), ttl), env.StoreSet("stays", []byte("v"), 0))
	}
	_, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	c := dial(t, url+"/c")
	start := time.Now()
	send(t, c, "ttl")
	send(t, c, "store_add n;store_get n")
	_, b, _ := c.Read(testContext(t))
	if time.Since(start) < ttl && string(b) != "6" {
		t.Errorf("got %q before the value expired", b)
	}
	for key, want := range map[string]string{"n": "!2", "k": "!2", "stays": "v"} {
		eventually(t, key+" is "+want, func() bool {
			send(t, c, "store_get "+key)
			_, b, err := c.Read(testContext(t))
			return err == nil && string(b) == want
		})
	}
	if time.Since(start) < ttl {
		t.Error("a value expired too early")
	}
	do(t, c, "store_add n;store_get n", "1") // from 0 again
}

// TestStoreLimits checks the errors of invalid and too large changes. Package store tests the sizes.
func TestStoreLimits(t *testing.T) {
	key := func(i int) string { return fmt.Sprintf("key-%05d", i) }
	for name, tc := range map[string]struct {
		limits host.Limits
		do     func(env host.Env) error
		want   error
	}{
		"not a number": {do: func(env host.Env) error {
			_ = env.StoreSet("k", []byte("x"), 0)
			_, err := env.StoreAdd("k", 1, 0)
			return err
		}, want: abi.Invalid},
		"overflow": {do: func(env host.Env) error {
			if n, err := env.StoreAdd("k", math.MaxInt64, 0); n != math.MaxInt64 || err != nil {
				return errors.New("MaxInt64 was refused")
			}
			_, err := env.StoreAdd("k", 1, 0)
			return err
		}, want: abi.Limit},
		"underflow": {do: func(env host.Env) error {
			_, _ = env.StoreAdd("k", math.MinInt64, 0)
			_, err := env.StoreAdd("k", -1, 0)
			return err
		}, want: abi.Limit},
		"full": {host.Limits{StoreBytes: 64 + 20}, func(env host.Env) error {
			if err := env.StoreSet(key(1), make([]byte, 11), 0); err != nil {
				return err
			}
			return env.StoreSet(key(2), nil, 0)
		}, abi.Limit},
		"full, same key again": {host.Limits{StoreBytes: 64 + 20}, func(env host.Env) error {
			for range 3 {
				if err := env.StoreSet(key(1), make([]byte, 11), 0); err != nil {
					return err
				}
			}
			return nil
		}, nil},
		"full, other key deleted": {host.Limits{StoreBytes: 64 + 20}, func(env host.Env) error {
			_ = env.StoreSet(key(1), make([]byte, 11), 0)
			return errors.Join(env.StoreDelete(key(1)), env.StoreSet(key(2), make([]byte, 11), 0))
		}, nil},
		"bytes of a hook": {host.Limits{HookBytes: 100}, func(env host.Env) error {
			return errors.Join(env.StoreSet(key(1), make([]byte, 50), 0), env.StoreSet(key(1), make([]byte, 50), 0))
		}, abi.Limit},
		"effects of a hook": {host.Limits{HookEffects: 3}, func(env host.Env) error {
			for i := range 3 {
				if err := env.StoreSet(key(i), nil, 0); err != nil {
					return err
				}
			}
			return env.BroadcastAll(abi.Text, nil, 0)
		}, abi.Limit},
		"no name":      {do: func(env host.Env) error { return env.StoreSet("", nil, 0) }, want: abi.Invalid},
		"negative ttl": {do: func(env host.Env) error { return env.StoreSet(key(1), nil, -1) }, want: abi.Invalid},
	} {
		t.Run(name, func(t *testing.T) {
			err := inHook(t, tc.limits, func(env host.Env, _ host.ConnID) error { return tc.do(env) })
			if !errors.Is(err, tc.want) {
				t.Errorf("got %v, want %v", err, tc.want)
			}
		})
	}
}
