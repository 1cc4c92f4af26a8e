package host_test

import (
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/internal/wstest"
)

// TestUsers checks the users of connections, of rooms and of the route, and messages to a user.
func TestUsers(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		r.PresenceGrace = -1
		_, url := serve(t, host.Options{Routes: []host.Route{r}})
		one, two := dialDo(t, url+"/c", "identify ann;join room"), dialDo(t, url+"/c", "identify ann")
		bob := dialDo(t, url+"/c", "identify bob;join room")
		do(t, bob, "users;room_users room;online ann;online eve", "ann\nbob", "ann\nbob", "1", "0")
		send(t, bob, "send_user ann|hello")
		want(t, one, "hello")
		want(t, two, "hello")
		// If one of two connections ends, the user stays present, but not in the room.
		_ = one.CloseNow()
		eventually(t, "ann has left the room", func() bool {
			send(t, bob, "room_size room")
			_, b, err := bob.Read(testContext(t))
			return err == nil && string(b) == "1"
		})
		do(t, bob, "online ann;room_users room;users", "1", "bob", "ann\nbob")
		do(t, two, "identify eve;users", "bob\neve")
		do(t, bob, "online ann;online eve;identify ;users", "0", "1", "eve")
		do(t, bob, "send_user nobody|x;identify a\x01b;user;send end", "!1", "", "end")
	})
}

// TestSendUsers checks that SendUsers sends to a list of users, or to none of them if a name is invalid.
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
	ann, bob := dialDo(t, url+"/c", "identify ann"), dialDo(t, url+"/c", "identify bob")
	do(t, ann, "bad")
	do(t, ann, "good", "x")
	want(t, bob, "x")
	do(t, ann, "send end", "end")
}

// TestHookOnClosingConnections checks hooks that use connections that close at the same time.
func TestHookOnClosingConnections(t *testing.T) {
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
	observer := wstest.Dial(t, url, "/c")
	for range conns - 1 {
		c := wstest.Dial(t, url, "/c")
		_ = c.WriteText("x")
		_ = c.Close()
	}
	eventually(t, "one connection is left", func() bool {
		_ = observer.WriteText("x")
		p, err := observer.ReadFrame()
		return err == nil && string(p) == "1"
	})
	wantMetric(t, h, `azuhost_rooms{route="/c"}`, 1)
}
