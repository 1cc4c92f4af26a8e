package host_test

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// storeRoute returns a route with a shared store. A message is a command about the key "n". The answer is the value of
// the key.
func storeRoute() host.Route {
	return host.Route{
		Path: "/s", Store: host.StoreShared, Limits: host.Limits{Deadline: 2 * time.Second},
		Channel: &host.Funcs{OnMessage: func(env host.Env, id host.ConnID, m host.Message) error {
			key := "n"
			switch text := string(m.Data); text {
			case "add":
				n, err := env.StoreAdd(key, 1, 0)
				if err != nil {
					return errors.Join(err, env.Send(id, abi.Text, []byte(err.Error())))
				}
				return env.Send(id, abi.Text, strconv.AppendInt(nil, n, 10))
			case "add and fail":
				if _, err := env.StoreAdd(key, 1, 0); err != nil {
					return err
				}
				return errors.New("on purpose")
			case "get":
				v, err := env.StoreGet(key)
				if err != nil {
					v = []byte(err.Error())
				}
				return env.Send(id, abi.Text, v)
			case "delete":
				return errors.Join(env.StoreDelete(key), env.Send(id, abi.Text, []byte("ok")))
			case "set for a moment":
				err := env.StoreSet(key, []byte("7"), 50*time.Millisecond)
				return errors.Join(err, env.Send(id, abi.Text, []byte("ok")))
			}
			return nil
		}},
	}
}

// TestSharedStore checks that StoreAdd is atomic over two nodes, that a hook that fails adds nothing, and that each
// node sees the changes of the other one.
func TestSharedStore(t *testing.T) {
	nodes := startCluster(t, 2, host.Options{Routes: []host.Route{storeRoute()}})
	const each = 100
	var mu sync.Mutex
	seen := map[string]bool{}
	var wait sync.WaitGroup
	for _, n := range nodes {
		for range 2 {
			c := dial(t, n.url+"/s")
			wait.Go(func() {
				for i := range each {
					if i%10 == 0 {
						send(t, c, "add and fail")
						want(t, c, internalError)
					}
					send(t, c, "add")
					_, b, err := c.Read(testContext(t))
					mu.Lock()
					if err != nil || seen[string(b)] {
						t.Errorf("the sum %q is returned twice, or %v", b, err)
					}
					seen[string(b)] = true
					mu.Unlock()
				}
			})
		}
	}
	wait.Wait()
	total := fmt.Sprint(4 * each)
	if !seen[total] || len(seen) != 4*each {
		t.Errorf("%d numbers, and %s was %v", len(seen), total, seen[total])
	}
	a, b := dial(t, nodes[0].url+"/s"), dial(t, nodes[1].url+"/s")
	do(t, a, "get", total)
	do(t, b, "get", total)
	do(t, a, "delete", "ok")
	do(t, b, "get", "NOT_FOUND")
	do(t, b, "set for a moment", "ok")
	do(t, a, "get", "7")
	eventually(t, "the value expires", func() bool {
		send(t, a, "get")
		_, p, err := a.Read(context.Background())
		return err == nil && string(p) == "NOT_FOUND"
	})
}

// TestSharedStoreNeedsBroker checks that New refuses a shared store without a broker.
func TestSharedStoreNeedsBroker(t *testing.T) {
	h, err := host.New(host.Options{Routes: []host.Route{storeRoute()}})
	if err == nil {
		stop(t, h)
		t.Fatal("no error")
	}
}

// TestSharedStoreDown checks that host functions of the store return UNAVAILABLE while Redis is down.
func TestSharedStoreDown(t *testing.T) {
	_, url := serveQuiet(t, host.Options{
		Routes: []host.Route{storeRoute()}, Broker: host.Broker{URL: "redis://127.0.0.1:1"},
	})
	c := dial(t, url+"/s")
	do(t, c, "get", "UNAVAILABLE")
	do(t, c, "add", internalError)
	do(t, c, "get", "UNAVAILABLE")
}
