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

// seen is all that a hook can see of some connections, rooms and values, and, where users
// do not stay for a grace, of who is present.
func seen(env host.Env, conns []host.ConnID, presence bool) string {
	var out strings.Builder
	say := func(what string, v any, err error) { fmt.Fprintf(&out, "%s %q %v; ", what, fmt.Sprint(v), err) }
	for i, id := range conns {
		rooms, err := env.Rooms(id)
		say(fmt.Sprint("rooms of ", i), rooms, err)
		user, err := env.User(id)
		say(fmt.Sprint("user of ", i), user, err)
		for k := range 3 {
			value, err := env.Value(id, fmt.Sprint("k", k))
			say(fmt.Sprint("value ", k), string(value), err)
		}
	}
	for r := range 4 {
		room := fmt.Sprint("r", r)
		n, err := env.RoomSize(room)
		say(fmt.Sprint("size of ", r), n, err)
		members, err := env.RoomMembers(room)
		say("members", members, err)
		if presence {
			users, err := env.RoomUsers(room)
			say("users", users, err)
		}
	}
	if !presence {
		return out.String()
	}
	for u := range 4 {
		on, err := env.Online(fmt.Sprint("u", u))
		say(fmt.Sprint("online ", u), on, err)
	}
	users, err := env.Users()
	say("users", users, err)
	return out.String()
}

// move does one thing at random that changes what seen sees.
func move(env host.Env, conns []host.ConnID) {
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

// TestHooksSeeWhatWillBe: what a hook sees of its own moves is what there is once they
// have happened, with limits that are reached, too. Only that a user who came and went in
// one hook stays for the grace, it does not see.
func TestHooksSeeWhatWillBe(t *testing.T) {
	for name, grace := range map[string]time.Duration{"with grace": time.Hour, "without": -1} {
		t.Run(name, func(t *testing.T) {
			var conns []host.ConnID
			var before string
			r := host.Route{
				Path: "/c", PresenceGrace: grace, Limits: host.Limits{MaxRoomsPerConnection: 3, ValueBytes: 2*66 + 3},
				Channel: &host.Funcs{
					OnConnect: func(_ host.Env, conn host.ConnID) error { conns = append(conns, conn); return nil },
					OnMessage: func(env host.Env, conn host.ConnID, _ host.Message) error {
						if now := seen(env, conns, grace < 0); before != "" && now != before {
							t.Errorf("the hook saw\n%s\nand there is\n%s", before, now)
						}
						for range rand.IntN(12) {
							move(env, conns)
						}
						before = seen(env, conns, grace < 0)
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

// TestPresenceLimitCountsRooms: a user of a connection is present in each of its rooms.
func TestPresenceLimitCountsRooms(t *testing.T) {
	err := inHook(t, host.Limits{Presences: 10}, func(env host.Env, conn host.ConnID) error {
		for i := range 4 {
			if err := env.Join(conn, fmt.Sprint("room", i)); err != nil {
				return fmt.Errorf("nobody joined a room: %w", err)
			}
		}
		for i, want := range []error{nil, nil, abi.Limit} { // 5 each
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

// TestNothingNewAtThePresenceLimit: what changes nothing is no more than there is.
func TestNothingNewAtThePresenceLimit(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Limits.Presences, r.PresenceGrace = 2, time.Hour
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		c := dialDo(t, url+"/c", "j room;i me;s ok")
		want(t, c, "ok")
		do(t, c, "j room;i me;j other;i you;s end", "!4", "!4", "end")
		other := dialDo(t, url+"/c", "j room;j other;l other;s no user")
		want(t, other, "no user")
		do(t, other, "i me;s another of the same", "another of the same")
		do(t, c, "l room;j room;s back", "back")
	})
}

// TestValuesThatFit: the last that a hook says about a key counts, and nothing else.
func TestValuesThatFit(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.Limits.ValueBytes = 2*65 + 4
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		c := dial(t, url+"/c")
		do(t, c, "v a|1234;v a|4321;v b|1;v b|;g a;g b", "!4", "4321", "")
		do(t, c, "d a;v c|1234;g a;d b;v a|;g c;g b", "!2", "1234", "!2")
		do(t, c, "v a|1;v c|123;v a|1;v b|;g a;g c", "!4", "!4", "1", "123")
	})
}
