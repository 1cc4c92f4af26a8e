package host_test

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// visibleState returns all that a hook can read of some connections, rooms and values. With presence it includes the
// users who are present; that is for routes without a grace.
func visibleState(env host.Env, conns []host.ConnID, presence bool) string {
	var out strings.Builder
	add := func(what string, v any, err error) { fmt.Fprintf(&out, "%s %q %v; ", what, fmt.Sprint(v), err) }
	for i, id := range conns {
		rooms, err := env.Rooms(id)
		add(fmt.Sprint("rooms of ", i), rooms, err)
		user, err := env.User(id)
		add(fmt.Sprint("user of ", i), user, err)
		for k := range 3 {
			value, err := env.Value(id, fmt.Sprint("k", k))
			add(fmt.Sprint("value ", k), string(value), err)
		}
	}
	for r := range 4 {
		room := fmt.Sprint("r", r)
		n, err := env.RoomSize(room)
		add(fmt.Sprint("size of ", r), n, err)
		members, err := env.RoomMembers(room)
		add("members", members, err)
		if presence {
			users, err := env.RoomUsers(room)
			add("users", users, err)
		}
	}
	if !presence {
		return out.String()
	}
	for u := range 4 {
		on, err := env.Online(fmt.Sprint("u", u))
		add(fmt.Sprint("online ", u), on, err)
	}
	users, err := env.Users()
	add("users", users, err)
	return out.String()
}

// changeAtRandom makes one random change of what visibleState returns.
func changeAtRandom(env host.Env, conns []host.ConnID) {
	id, n := conns[rand.IntN(len(conns))], rand.IntN(4)
	switch rand.IntN(6) {
	case 0, 1:
		_ = env.Join(id, fmt.Sprint("r", n))
	case 2:
		_ = env.Leave(id, fmt.Sprint("r", n))
	case 3:
		user := fmt.Sprint("u", n)
		if n == 3 {
			user = ""
		}
		_ = env.Identify(id, user)
	case 4:
		_ = env.SetValue(id, fmt.Sprint("k", n%3), make([]byte, n))
	case 5:
		_ = env.DeleteValue(id, fmt.Sprint("k", n%3))
	}
}

// TestReadsMatchCommit checks that what a hook reads after its own changes equals what the next hook reads, also if
// limits are reached. A user who comes and goes within one hook stays present for the grace, which the hook does not
// see.
func TestReadsMatchCommit(t *testing.T) {
	for name, grace := range map[string]time.Duration{"with grace": time.Hour, "without": -1} {
		t.Run(name, func(t *testing.T) {
			var conns []host.ConnID
			var before string
			r := host.Route{
				Path: "/c", PresenceGrace: grace, Limits: host.Limits{MaxRoomsPerConnection: 3, ValueBytes: 2*66 + 3},
				Channel: &host.Funcs{
					OnConnect: func(_ host.Env, conn host.ConnID) error { conns = append(conns, conn); return nil },
					OnMessage: func(env host.Env, conn host.ConnID, _ host.Message) error {
						if now := visibleState(env, conns, grace < 0); before != "" && now != before {
							t.Errorf("the hook read\n%s\nand the next hook reads\n%s", before, now)
						}
						for range rand.IntN(12) {
							changeAtRandom(env, conns)
						}
						before = visibleState(env, conns, grace < 0)
						return env.Send(conn, abi.Text, []byte("ok"))
					},
				},
			}
			_, url := serve(t, host.Options{Routes: []host.Route{r}})
			dial(t, url+"/c")
			dial(t, url+"/c")
			c := dial(t, url+"/c")
			for range 300 {
				do(t, c, "x", "ok")
			}
		})
	}
}

// TestPresenceLimit checks that users whom a hook identifies and replaces at once count, because they stay present for
// the grace.
func TestPresenceLimit(t *testing.T) {
	err := inHook(t, host.Limits{Presences: 3}, func(env host.Env, conn host.ConnID) error {
		for i := range 3 {
			if err := env.Identify(conn, fmt.Sprint("user", i)); err != nil {
				return fmt.Errorf("user %d: %w", i, err)
			}
		}
		if err := env.Identify(conn, "one too many"); err != abi.Limit {
			return fmt.Errorf("a fourth user: %v", err)
		}
		if err := env.Join(conn, "room"); err != abi.Limit {
			return fmt.Errorf("a room: %v", err)
		}
		return env.Identify(conn, "")
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPresenceLimitCountsRooms checks that a user counts once for the route and once for each room of the connection.
func TestPresenceLimitCountsRooms(t *testing.T) {
	err := inHook(t, host.Limits{Presences: 10}, func(env host.Env, conn host.ConnID) error {
		for i := range 4 {
			if err := env.Join(conn, fmt.Sprint("room", i)); err != nil {
				return fmt.Errorf("join without a user: %w", err)
			}
		}
		for i, want := range []error{nil, nil, abi.Limit} { // each user counts 5 times
			if err := env.Identify(conn, fmt.Sprint("user", i)); err != want {
				return fmt.Errorf("user %d: %v, want %v", i, err, want)
			}
		}
		return nil
	})
	if err != nil {
		t.Error(err)
	}
}

// TestPresenceLimitAllowsRepeats checks that calls that add nothing succeed at the limit of presences.
func TestPresenceLimitAllowsRepeats(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Limits.Presences, r.PresenceGrace = 2, time.Hour
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		c := dialDo(t, url+"/c", "join room;identify me;send ok")
		want(t, c, "ok")
		do(t, c, "join room;identify me;join other;identify you;send end", "!4", "!4", "end")
		other := dialDo(t, url+"/c", "join room;join other;leave other;send no user")
		want(t, other, "no user")
		do(t, other, "identify me;send another of the same", "another of the same")
		do(t, c, "leave room;join room;send back", "back")
	})
}

// TestValueLimitCountsLastWrite checks that the limit of values counts the last write of a hook to each key, and
// nothing else.
func TestValueLimitCountsLastWrite(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Limits.ValueBytes = 2*65 + 4
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		c := dial(t, url+"/c")
		do(t, c, "value_set a|1234;value_set a|4321;value_set b|1;value_set b|;value_get a;value_get b",
			"!4", "4321", "")
		do(t, c, "value_delete a;value_set c|1234;value_get a;value_delete b;value_set a|;value_get c;value_get b",
			"!2", "1234", "!2")
		do(t, c, "value_set a|1;value_set c|123;value_set a|1;value_set b|;value_get a;value_get c",
			"!4", "!4", "1", "123")
	})
}
