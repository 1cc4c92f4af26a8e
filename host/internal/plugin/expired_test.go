package plugin

import (
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// expiredEnv is an Env whose event has expired.
type expiredEnv struct{ fakeEnv }

func (*expiredEnv) Expired() bool { return true }

// TestExpiredTimer: the hook of an expired timer does not run, and Run returns no error. Other events do not expire.
func TestExpiredTimer(t *testing.T) {
	for _, mode := range []Mode{Single, Pool} {
		p := newPlugin(t, Options{Mode: mode}, guest(t, "host_script"))
		for hook, sends := range map[abi.Hook]int{abi.OnTimer: 0, abi.OnMessage: 1} {
			env := &expiredEnv{}
			ev := Event{Hook: hook, Conn: 7, Data: []byte("send x")}
			if err := p.Run(t.Context(), &ev, env); err != nil {
				t.Errorf("%s: %v", hook, err)
			}
			if len(env.calls) != sends || env.committed != 1 {
				t.Errorf("%s: calls %q, %d commits", hook, env.calls, env.committed)
			}
		}
	}
}
