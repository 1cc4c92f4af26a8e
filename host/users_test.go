package host_test

import (
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
)

func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.PresenceGrace = -1
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		one, two := dialDo(t, url+"/c", "i ann;j room"), dialDo(t, url+"/c", "i ann")
		bob := dialDo(t, url+"/c", "i bob;j room")
		do(t, bob, "p;q room;o ann;o eve", "ann\nbob", "ann\nbob", "1", "0")
		send(t, bob, "U ann|hello")
		want(t, one, "hello")
		want(t, two, "hello")
		// One of two connections goes: the user stays, but not in the room.
		_ = one.CloseNow()
		eventually(t, "left the room", func() bool {
			send(t, bob, "n room")
			_, b, err := bob.Read(testContext(t))
			return err == nil && string(b) == "1"
		})
		do(t, bob, "o ann;q room;p", "1", "bob", "ann\nbob")
		do(t, two, "i eve;p", "bob\neve")
		do(t, bob, "o ann;o eve;i ;p", "0", "1", "eve")
		do(t, bob, "U nobody|x;i a\u0001b;u;s end", "!1", "", "end")
	})
}

// TestSendUsers sends to a list of users, or, if a name is wrong, to none.
func TestSendUsers(t *testing.T) {
	f := scriptInGo()
	script := f.OnMessage
	f.OnMessage = func(env host.Env, conn host.ConnID, m host.Message) error {
		switch string(m.Data) {
		case "good":
			return env.SendUsers([]string{"ann", "bob", "nobody"}, abi.Text, []byte("x"))
		case "bad":
			if err := env.SendUsers([]string{"ann", "", "bob"}, abi.Text, []byte("y")); err != abi.Invalid {
				t.Error(err)
			}
			return nil
		}
		return script(env, conn, m)
	}
	_, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	ann, bob := dialDo(t, url+"/c", "i ann"), dialDo(t, url+"/c", "i bob")
	do(t, ann, "bad")
	do(t, ann, "good", "x")
	want(t, bob, "x")
	do(t, ann, "s end", "end")
}

type presence struct {
	room, user string
	join       bool
}

// withPresence is the script with a channel of presence events.
func withPresence(grace time.Duration) (host.Route, chan presence) {
	events := make(chan presence, 100)
	f := scriptInGo()
	f.OnPresence = func(_ host.Env, room, user string, join bool) error {
		events <- presence{room, user, join}
		return nil
	}
	return host.Route{Path: "/c", Channel: f, PresenceGrace: grace}, events
}

func wantPresence(t *testing.T, events chan presence, wanted ...presence) {
	t.Helper()
	for _, w := range wanted {
		if e := receive(t, events); e != w {
			t.Fatalf("got %+v, want %+v", e, w)
		}
	}
}

func TestPresenceWithoutGrace(t *testing.T) {
	r, events := withPresence(-1)
	_, url := serve(t, host.Options{Routes: []host.Route{r}})
	c := dialDo(t, url+"/c", "i me;j room")
	wantPresence(t, events, presence{"", "me", true}, presence{"room", "me", true})
	tab := dialDo(t, url+"/c", "i me;j room;s in") // a second tab is no news
	want(t, tab, "in")
	do(t, c, "l room;s left", "left")
	_ = c.CloseNow()
	do(t, tab, "l room;s left", "left")
	wantPresence(t, events, presence{"room", "me", false})
	_ = tab.CloseNow()
	wantPresence(t, events, presence{"", "me", false})
}

func TestPresenceGrace(t *testing.T) {
	r, events := withPresence(150 * time.Millisecond)
	h, url := serve(t, host.Options{Routes: []host.Route{r}})
	c := dialDo(t, url+"/c", "i me;j room")
	watch := dialDo(t, url+"/c", "i you;j room")
	wantPresence(t, events, presence{"", "me", true}, presence{"room", "me", true}, presence{"", "you", true}, presence{"room", "you", true})
	_ = c.CloseNow()
	wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
	do(t, watch, "o me;p;q room;n room", "1", "me\nyou", "me\nyou", "1")
	wantPresence(t, events, presence{"", "me", false}, presence{"room", "me", false})
	do(t, watch, "o me;q room", "0", "you")
}

// TestReconnectWithinTheGrace is no event: a page that reloads.
func TestReconnectWithinTheGrace(t *testing.T) {
	r, events := withPresence(time.Hour)
	h, url := serve(t, host.Options{Routes: []host.Route{r}})
	watch := dialDo(t, url+"/c", "i you")
	c := dialDo(t, url+"/c", "i me;j room")
	wantPresence(t, events, presence{"", "you", true}, presence{"", "me", true}, presence{"room", "me", true})
	_ = c.CloseNow()
	wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
	_ = dialDo(t, url+"/c", "i me;j room")
	do(t, watch, "i you too;p", "me\nyou\nyou too") // what comes after is told after
	wantPresence(t, events, presence{"", "you too", true})
	if len(events) != 0 {
		t.Errorf("%+v", <-events)
	}
}

// TestPresenceInWasm has a ready-made guest tell of presence.
func TestPresenceInWasm(t *testing.T) {
	t.Parallel()
	_, url := serve(t, host.Options{Routes: []host.Route{{
		Path: "/p", Plugin: goGuest(t, "presence"), PresenceGrace: -1, Limits: host.Limits{Deadline: patient},
	}}})
	a := dial(t, url+"/p?user=ann")
	readUntil(t, a, `"ann"`)
	b := dial(t, url+"/p?user=bob")
	readUntil(t, a, `"bob"`)
	_ = b.CloseNow()
	readUntil(t, a, `"bob"`)
}

// TestOthersGoWhileAHookAsks has hooks ask for connections that are closing.
func TestOthersGoWhileAHookAsks(t *testing.T) {
	const conns = 30
	f := &host.Funcs{Concurrent: true}
	f.OnConnect = func(env host.Env, conn host.ConnID) error { return env.Join(conn, "room") }
	f.OnMessage = func(env host.Env, conn host.ConnID, m host.Message) error {
		if err := env.Join(conn, "mine"); err != nil {
			return err
		}
		n := 0
		for id := range host.ConnID(conns) {
			if err := env.Identify(id, "x"); err == nil {
				n++
			}
			_ = env.Leave(id, "room")
			_, _ = env.User(id)
			_, _ = env.Rooms(id)
			_, _ = env.Users()
			_, _ = env.RoomSize("room")
		}
		return env.Send(conn, m.Kind, []byte{byte('0' + min(n, 2))})
	}
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f, PresenceGrace: -1}}})
	asks := wstest.Dial(t, url, "/c")
	for range conns - 1 {
		c := wstest.Dial(t, url, "/c")
		_ = c.WriteText("x")
		_ = c.Close()
	}
	eventually(t, "it is alone", func() bool {
		_ = asks.WriteText("x")
		p, err := asks.ReadFrame()
		return err == nil && string(p) == "1"
	})
	wantMetric(t, h, `azuhost_rooms{route="/c"}`, 1)
}
