package host_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
)

// TestLimitsOfConcurrentHooks checks limits that several concurrent hooks would exceed together. Each hook is below the
// limit when it asks. Those that exceed it fail when they commit, and none of their effects happens.
func TestLimitsOfConcurrentHooks(t *testing.T) {
	const hooks = 4
	for name, ask := range map[string]func(env host.Env, first, conn host.ConnID) error{
		"rooms": func(env host.Env, first, conn host.ConnID) error { return env.Join(first, fmt.Sprint(conn)) },
		"values": func(env host.Env, first, conn host.ConnID) error {
			return env.SetValue(first, fmt.Sprint(conn), make([]byte, 30))
		},
		"timers": func(env host.Env, _, conn host.ConnID) error {
			return env.TimerSet(0, fmt.Sprint(conn), time.Hour)
		},
		"presences": func(env host.Env, _, conn host.ConnID) error { return env.Identify(conn, fmt.Sprint(conn)) },
	} {
		t.Run(name, func(t *testing.T) {
			asked, proceed := make(chan error, hooks), make(chan struct{})
			var first host.ConnID
			r := host.Route{
				Path: "/c", Limits: host.Limits{MaxRoomsPerConnection: 2, ValueBytes: 200, Timers: 2, Presences: 2},
				Channel: &host.Funcs{Concurrent: true,
					OnConnect: func(_ host.Env, conn host.ConnID) error {
						if first == 0 {
							first = conn
						}
						return nil
					},
					OnMessage: func(env host.Env, conn host.ConnID, _ host.Message) error {
						asked <- errors.Join(ask(env, first, conn), env.Broadcast("seen", abi.Text, []byte("done"), 0))
						<-proceed
						return env.Send(conn, abi.Text, []byte("ok"))
					},
				},
			}
			_, url := serveQuiet(t, host.Options{Routes: []host.Route{r}})
			dial(t, url+"/c")
			conns := make([]*wstest.Conn, hooks)
			for i := range conns {
				conns[i] = wstest.Dial(t, url, "/c")
				if err := conns[i].WriteText("x"); err != nil {
					t.Fatal(err)
				}
			}
			for range hooks {
				if err := receive(t, asked); err != nil {
					t.Errorf("a hook was refused before another one had committed: %v", err)
				}
			}
			close(proceed)
			answers := map[string]int{}
			for _, c := range conns {
				p, err := c.ReadFrame()
				if err != nil {
					t.Fatal(err)
				}
				answers[string(p)]++
			}
			if answers["ok"] != 2 || answers[internalError] != hooks-2 {
				t.Errorf("want 2 hooks that succeed: %v", answers)
			}
		})
	}
}
