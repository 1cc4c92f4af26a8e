package host_test

import (
	"slices"
	"testing"

	"github.com/azuhost/azuhost/host"
)

// TestClusterOnPublish checks that deliveries count what on_publish sends on all nodes, and count each node once.
func TestClusterOnPublish(t *testing.T) {
	f := scriptInGo()
	f.OnPublish = func(env host.Env, to host.Target, m host.Message) error {
		switch {
		case string(m.Data) == "drop":
			return nil
		case to.User != "":
			return env.SendUser(to.User, m.Kind, m.Data)
		case to.Room != "":
			return env.Broadcast(to.Room, m.Kind, m.Data, 0)
		}
		return env.BroadcastAll(m.Kind, m.Data, 0)
	}
	nodes := startCluster(t, 2, host.Options{Routes: []host.Route{
		{Path: "/c", Channel: f}, {Path: "/d", Channel: scriptInGo()},
	}})
	a, b := nodes[0], nodes[1]
	ctx := testContext(t)
	ann := dialDo(t, a.url+"/c", "identify ann;join r;send in")
	want(t, ann, "in")
	bob := dialDo(t, b.url+"/c", "identify bob;join r;join far;send in")
	want(t, bob, "in")
	bobToo := dialDo(t, b.url+"/d", "identify bob;send in")
	want(t, bobToo, "in")
	eventually(t, "a knows of bob", func() bool {
		users, err := a.Presence(ctx, "/c", "r")
		others, err2 := a.Presence(ctx, "/d", "")
		return err == nil && err2 == nil && slices.Equal(users, []string{"ann", "bob"}) && len(others) == 1
	})
	for _, c := range []struct {
		p    host.Publication
		want host.Delivery
	}{
		{host.Publication{Route: "/c", Room: "r", Data: []byte("1")}, host.Delivery{Sockets: 2, Nodes: 2}},
		{host.Publication{Route: "/c", Room: "far", Data: []byte("2")}, host.Delivery{Sockets: 1, Nodes: 1}},
		{
			host.Publication{Route: "/c", Users: []string{"ann", "bob", "eve"}, Data: []byte("3")},
			host.Delivery{Sockets: 2, Nodes: 2},
		},
		{host.Publication{Users: []string{"bob"}, Data: []byte("4")}, host.Delivery{Sockets: 2, Nodes: 1}},
		{host.Publication{Route: "/c", All: true, Data: []byte("5")}, host.Delivery{Sockets: 2, Nodes: 2}},
		{host.Publication{Route: "/c", All: true, Data: []byte("drop")}, host.Delivery{}},
	} {
		if d, err := a.Publish(ctx, c.p); err != nil || d != c.want {
			t.Errorf("%+v: %+v %v; want %+v", c.p, d, err, c.want)
		}
	}
	for _, text := range []string{"1", "2", "3", "4", "5"} {
		want(t, bob, text)
	}
	d, err := a.Disconnect(ctx, host.Disconnection{User: "bob"})
	if err != nil || d != (host.Delivery{Sockets: 2, Nodes: 1}) {
		t.Errorf("%+v %v", d, err)
	}
}
