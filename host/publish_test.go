package host_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// publish publishes and expects a delivery to a number of connections.
func publish(t *testing.T, h *host.Host, p host.Publication, sockets int) {
	t.Helper()
	d, err := h.Publish(t.Context(), p)
	want := host.Delivery{Sockets: sockets, Nodes: min(sockets, 1)}
	if err != nil || d != want {
		t.Errorf("%+v: %+v, %v; want %+v", p, d, err, want)
	}
}

// TestPublish checks to which connections a room, users and everyone are delivered, with and without a route.
func TestPublish(t *testing.T) {
	onBoth(t, func(t *testing.T, r host.Route) {
		h, url := serve(t, host.Options{Routes: []host.Route{r, echoRoute()}})
		ann, bob := dialDo(t, url+"/c", "identify ann;join room;send in"), dialDo(t, url+"/c", "identify bob;send in")
		eve := dial(t, url+"/echo")
		want(t, ann, "in")
		want(t, bob, "in")
		do(t, eve, "x", "x")
		for _, p := range []struct {
			host.Publication
			sockets int
		}{
			{host.Publication{Route: "/c", Room: "room", Data: []byte("to the room")}, 1},
			{host.Publication{Route: "/c", All: true, Data: []byte("to all")}, 2},
			{host.Publication{Route: "/c", Users: []string{"bob"}, Data: []byte("to bob")}, 1},
			{host.Publication{Route: "/c", Users: []string{"ann", "bob", "nobody", "ann"}, Data: []byte("to both")}, 2},
			{host.Publication{Route: "/c", Room: "empty", Data: []byte("to an empty room")}, 0},
			{host.Publication{Users: []string{"ann"}, Data: []byte("to ann anywhere")}, 1},
			{host.Publication{All: true, Data: []byte("to everybody")}, 3},
		} {
			publish(t, h, p.Publication, p.sockets)
		}
		for _, m := range []string{"to the room", "to all", "to both", "to ann anywhere", "to everybody"} {
			want(t, ann, m)
		}
		for _, m := range []string{"to all", "to bob", "to both", "to everybody"} {
			want(t, bob, m)
		}
		want(t, eve, "to everybody")
		wantMetric(t, h, `azuhost_published_total{result="delivered",target="users"}`, 3)
	})
}

// TestPublishRefuses checks the errors of invalid publications, and that nothing is delivered.
func TestPublishRefuses(t *testing.T) {
	r := echoRoute()
	r.Limits.HookBytes = 100
	h, _ := serve(t, host.Options{Routes: []host.Route{r, {Path: "/c", Channel: scriptInGo()}}})
	for name, tc := range map[string]struct {
		host.Publication
		want error
	}{
		"no target":   {host.Publication{Route: "/echo"}, abi.Invalid},
		"two targets": {host.Publication{Route: "/echo", Room: "a", All: true}, abi.Invalid},
		"no route":    {host.Publication{Room: "a"}, abi.Invalid},
		"kind":        {host.Publication{Route: "/echo", All: true, Kind: 3}, abi.Invalid},
		"utf-8":       {host.Publication{Route: "/echo", All: true, Data: []byte("\xff")}, abi.Invalid},
		"room":        {host.Publication{Route: "/echo", Room: "a\n"}, abi.Invalid},
		"user":        {host.Publication{Route: "/echo", Users: []string{"a", ""}}, abi.Invalid},
		"key":         {host.Publication{Route: "/echo", All: true, Key: "\x00"}, abi.Invalid},
		"too much":    {host.Publication{Route: "/echo", All: true, Data: make([]byte, 101)}, abi.Limit},
		"too many":    {host.Publication{Route: "/echo", Users: make([]string, 10_001)}, abi.Limit},
		"nowhere":     {host.Publication{Route: "/nowhere", All: true}, host.ErrUnknownRoute},
	} {
		d, err := h.Publish(t.Context(), tc.Publication)
		if !errors.Is(err, tc.want) || d != (host.Delivery{}) {
			t.Errorf("%s: %+v, %v", name, d, err)
		}
		if errors.Is(err, host.ErrUnknownRoute) && !strings.Contains(err.Error(), "/echo, /c") {
			t.Errorf("%v does not list the routes", err)
		}
	}
	wantMetric(t, h, `azuhost_published_total{result="invalid",target="room"}`, 3)
}

// TestPublishOnce checks that of several concurrent publications with the same key one is delivered, and that the
// others return its delivery.
func TestPublishOnce(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: scriptInGo()}}})
	ann := dialDo(t, url+"/c", "identify ann;send in")
	want(t, ann, "in")
	p := host.Publication{Route: "/c", Users: []string{"ann"}, Data: []byte("once"), Key: "k"}
	var wait sync.WaitGroup
	var mu sync.Mutex
	duplicates := 0
	for range 20 {
		wait.Go(func() {
			d, err := h.Publish(t.Context(), p)
			mu.Lock()
			defer mu.Unlock()
			if err != nil || d.Sockets != 1 {
				t.Errorf("%+v, %v", d, err)
			}
			if d.Duplicate {
				duplicates++
			}
		})
	}
	wait.Wait()
	if duplicates != 19 {
		t.Errorf("%d of 20 were duplicates", duplicates)
	}
	other := p
	other.Data = []byte("another")
	if _, err := h.Publish(t.Context(), other); !errors.Is(err, host.ErrKeyReused) {
		t.Errorf("the key with another message: %v", err)
	}
	other.Key = "k2"
	publish(t, h, other, 1)
	want(t, ann, "once")
	want(t, ann, "another")
}

// TestOnPublish checks that on_publish decides what is sent and to whom, and that its errors reach the caller of
// Publish.
func TestOnPublish(t *testing.T) {
	f := scriptInGo()
	f.OnPublish = func(env host.Env, to host.Target, m host.Message) error {
		switch text := string(m.Data); {
		case text == "refuse":
			return fmt.Errorf("not for you: %w", host.Refusal(403))
		case text == "code":
			return host.Refusal(3000)
		case text == "fail":
			return errors.New("no luck")
		case text == "panic":
			panic("bug")
		case text == "drop":
			return nil
		case text == "route": // to another room
			return env.Broadcast("room", abi.Text, []byte("routed from "+to.Room+to.User), 0)
		case to == host.Target{}:
			return env.BroadcastAll(m.Kind, []byte("all: "+text), 0)
		case to.User != "":
			return env.SendUser(to.User, m.Kind, []byte(to.User+": "+text))
		default:
			return env.Broadcast(to.Room, m.Kind, []byte(to.Room+": "+text), 0)
		}
	}
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Channel: f}}})
	ann, bob := dialDo(t, url+"/c", "identify ann;join room;send in"), dialDo(t, url+"/c", "identify bob;send in")
	want(t, ann, "in")
	want(t, bob, "in")
	to := func(data string, p host.Publication) host.Publication {
		p.Route, p.Data = "/c", []byte(data)
		return p
	}
	room, all := host.Publication{Room: "room"}, host.Publication{All: true}
	both := host.Publication{Users: []string{"ann", "bob"}}
	publish(t, h, to("x", room), 1)
	publish(t, h, to("x", all), 2)
	publish(t, h, to("x", both), 2)
	publish(t, h, to("route", host.Publication{Room: "other"}), 1)
	publish(t, h, to("drop", all), 0)
	for _, m := range []string{"room: x", "all: x", "ann: x", "routed from other"} {
		want(t, ann, m)
	}
	for _, m := range []string{"all: x", "bob: x"} {
		want(t, bob, m)
	}
	var refused *host.RefusedError
	_, err := h.Publish(t.Context(), to("refuse", room))
	if !errors.As(err, &refused) || refused.Status != 403 || refused.Route != "/c" ||
		!strings.Contains(refused.Text, "not for you") {
		t.Errorf("refuse: %v", err)
	}
	for _, data := range []string{"code", "fail", "panic"} {
		d, err := h.Publish(t.Context(), to(data, room))
		if err == nil || errors.As(err, &refused) || d.Sockets != 0 {
			t.Errorf("%s: %+v, %v", data, d, err)
		}
	}
	wantMetric(t, h, `azuhost_published_total{result="refused",target="room"}`, 1)
	wantMetric(t, h, `azuhost_published_total{result="failed",target="room"}`, 3)
	send(t, ann, "send end")
	want(t, ann, "end") // the failed hooks have sent nothing
}

// TestOnPublishInWasm checks on_publish of a plugin.
func TestOnPublishInWasm(t *testing.T) {
	h, url := serveQuiet(t, host.Options{Routes: []host.Route{
		{Path: "/p/:name", Plugin: "../testplugins/publish.wasm", Limits: host.Limits{Deadline: hookDeadline}},
	}})
	ann, other := dial(t, url+"/p/ann"), dial(t, url+"/p/elsewhere")
	eventually(t, "two connections", func() bool {
		conns, err := h.Connections(t.Context(), "", "", 0)
		return err == nil && len(conns) == 2
	})
	for _, p := range []struct {
		host.Publication
		data    string
		sockets int
	}{
		{host.Publication{Room: "ann"}, "to the room", 1},
		{host.Publication{Users: []string{"ann", "elsewhere"}}, "to users", 2},
		{host.Publication{All: true}, "to all", 2},
		{host.Publication{Room: "ann"}, "Changed", 1},
		{host.Publication{Room: "ann"}, "Elsewhere", 1},
		{host.Publication{Room: "ann"}, "Dropped", 0},
	} {
		p.Route, p.Data = "/p/:name", []byte(p.data)
		publish(t, h, p.Publication, p.sockets)
	}
	for _, m := range []string{"to the room", "to users", "to all", "*hanged"} {
		want(t, ann, m)
	}
	for _, m := range []string{"to users", "to all", "Elsewhere"} {
		want(t, other, m)
	}
	for data, status := range map[string]int{"Refused": 403, "Failed": 0, "!": 0} {
		var refused *host.RefusedError
		d, err := h.Publish(t.Context(), host.Publication{Route: "/p/:name", All: true, Data: []byte(data)})
		if err == nil || d.Sockets != 0 ||
			errors.As(err, &refused) != (status != 0) || status != 0 && refused.Status != status {
			t.Errorf("%s: %+v, %v", data, d, err)
		}
	}
	wantMetric(t, h, `azuhost_plugin_faults_total{plugin="publish",reason="trap",route="/p/:name"}`, 1)
	wantMetric(t, h, `azuhost_plugin_hook_errors_total{hook="on_publish",plugin="publish",route="/p/:name"}`, 1)
	publish(t, h, host.Publication{Users: []string{"ann"}, Data: []byte("after")}, 1)
	want(t, ann, "after")
}
