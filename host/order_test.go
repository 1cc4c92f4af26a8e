package host_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/wstest"
)

// TestOrderWithinHook checks that each connection receives the messages of a hook in the order of the calls.
func TestOrderWithinHook(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		a := dialDo(t, url+"/c", "join room;join side;identify a")
		b := dialDo(t, url+"/c", "join room;join side;identify b")
		for name, tc := range map[string]struct {
			do  string
			atA string
			atB string
		}{
			"broadcast, send": {
				do: "broadcast room|1;send 2;broadcast room|3;send 4", atA: "1 2 3 4", atB: "1 3",
			},
			"send, broadcast": {
				do: "send 1;broadcast room|2;send 3;broadcast room|4", atA: "1 2 3 4", atB: "2 4",
			},
			"except itself": {do: "broadcast_except room|1;send 2;broadcast room|3", atA: "2 3", atB: "1 3"},
			"to a user": {
				do: "broadcast room|1;send_user b|2;send_user a|3;broadcast room|4", atA: "1 3 4", atB: "1 2 4",
			},
			"two rooms, then send":    {do: "broadcast room|1;broadcast side|2;send 3", atA: "1 2 3", atB: "1 2"},
			"route and room and send": {do: "broadcast_all 1;broadcast room|2;send 3", atA: "1 2 3", atB: "1 2"},
			"leave and come back": {
				do: "broadcast room|1;leave room;broadcast room|2;join room;broadcast room|3", atA: "1 3", atB: "1 2 3",
			},
			"broadcast, then leave": {
				do: "broadcast room|bye;leave room;send gone;join room", atA: "bye gone", atB: "bye",
			},
		} {
			t.Run(name, func(t *testing.T) {
				send(t, a, tc.do)
				for _, w := range strings.Fields(tc.atA) {
					want(t, a, w)
				}
				for _, w := range strings.Fields(tc.atB) {
					want(t, b, w)
				}
				do(t, a, "send end", "end")
				do(t, b, "send end", "end")
			})
		}
	})
}

// TestJoinAfterBroadcast checks that a member does not receive what was broadcast before it joined, in the same hook.
func TestJoinAfterBroadcast(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		a, b := dialDo(t, url+"/c", "join room"), dial(t, url+"/c")
		do(t, b, "broadcast room|before;join room;broadcast room|after", "after")
		want(t, a, "before")
		want(t, a, "after")
	})
}

// TestOneOrder checks that all members of a room see the messages of many concurrent writers in one order, and those of
// each writer in the order in which it wrote.
func TestOneOrder(t *testing.T) {
	const clients, messages = 50, 200
	for name, r := range map[string]host.Route{
		"go":          {Channel: roomInGo(false)},
		"concurrent":  {Channel: roomInGo(true)},
		"wasm-single": {Plugin: "../testplugins/rooms.wasm"},
		"wasm-pool":   {Plugin: "../testplugins/rooms.wasm", Instances: host.Pool},
	} {
		t.Run(name, func(t *testing.T) {
			r.Path = "/r/:room"
			r.Limits = host.Limits{MaxQueue: 16 << 20, Deadline: hookDeadline}
			_, url := serve(t, host.Options{Routes: []host.Route{r}})
			conns := make([]*wstest.Conn, clients)
			for i := range conns {
				conns[i] = wstest.Dial(t, url, "/r/x")
			}
			seen := make([]string, clients)
			var wait sync.WaitGroup
			for i, c := range conns {
				wait.Go(func() {
					for n := range messages {
						if err := c.WriteText(fmt.Sprintf("%d:%d ", i, n)); err != nil {
							t.Error(err)
							return
						}
					}
				})
				wait.Go(func() {
					var b []byte
					for range clients * messages {
						p, err := c.ReadFrame()
						if err != nil {
							t.Error(err)
							return
						}
						b = append(b, p...)
					}
					seen[i] = string(b)
				})
			}
			wait.Wait()
			next := make([]int, clients)
			for _, m := range strings.Fields(seen[0]) {
				var i, n int
				if _, err := fmt.Sscanf(m, "%d:%d", &i, &n); err != nil || next[i] != n {
					t.Fatalf("message %q, want number %d of this client", m, next[i])
				}
				next[i]++
			}
			for i := range seen {
				if seen[i] != seen[0] {
					t.Fatalf("client %d saw another order than client 0", i)
				}
			}
		})
	}
}

// roomInGo returns the channel of testplugins/rooms.wat in Go.
func roomInGo(concurrent bool) *host.Funcs {
	return &host.Funcs{
		Concurrent: concurrent,
		OnConnect: func(env host.Env, conn host.ConnID) error {
			room, err := env.Param(conn, "room")
			if err != nil {
				return err
			}
			return env.Join(conn, room)
		},
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			room, err := env.Param(conn, "room")
			if err != nil {
				return err
			}
			return env.Broadcast(room, m.Kind, m.Data, 0)
		},
	}
}
