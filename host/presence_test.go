package host_test

import (
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
)

// presence is a call of on_presence.
type presence struct {
	room, user string
	join       bool
}

// withPresence returns a route with the script in Go, and a channel that receives its presence events.
func withPresence(grace time.Duration) (host.Route, chan presence) {
	events := make(chan presence, 100)
	f := scriptInGo()
	f.OnPresence = func(_ host.Env, room, user string, join bool) error {
		events <- presence{room, user, join}
		return nil
	}
	return host.Route{Path: "/c", Channel: f, PresenceGrace: grace}, events
}

// wantPresence expects presence events in an order.
func wantPresence(t *testing.T, events chan presence, wanted ...presence) {
	t.Helper()
	for _, w := range wanted {
		if e := receive(t, events); e != w {
			t.Fatalf("got %+v, want %+v", e, w)
		}
	}
}

// TestPresenceWithoutGrace checks that a user leaves with the last connection if the route has no grace.
func TestPresenceWithoutGrace(t *testing.T) {
	r, events := withPresence(-1)
	_, url := serve(t, host.Options{Routes: []host.Route{r}})
	c := dialDo(t, url+"/c", "identify me;join room")
	wantPresence(t, events, presence{"", "me", true}, presence{"room", "me", true})
	tab := dialDo(t, url+"/c", "identify me;join room;send in") // a second connection of a user causes no event
	want(t, tab, "in")
	do(t, c, "leave room;send left", "left")
	_ = c.CloseNow()
	do(t, tab, "leave room;send left", "left")
	wantPresence(t, events, presence{"room", "me", false})
	_ = tab.CloseNow()
	wantPresence(t, events, presence{"", "me", false})
}

// TestPresenceGrace checks that a user stays present for the grace after the last connection ends.
func TestPresenceGrace(t *testing.T) {
	r, events := withPresence(150 * time.Millisecond)
	h, url := serve(t, host.Options{Routes: []host.Route{r}})
	c := dialDo(t, url+"/c", "identify me;join room")
	other := dialDo(t, url+"/c", "identify you;join room")
	wantPresence(t, events, presence{"", "me", true}, presence{"room", "me", true})
	wantPresence(t, events, presence{"", "you", true}, presence{"room", "you", true})
	_ = c.CloseNow()
	wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
	do(t, other, "online me;users;room_users room;room_size room", "1", "me\nyou", "me\nyou", "1")
	wantPresence(t, events, presence{"", "me", false}, presence{"room", "me", false})
	do(t, other, "online me;room_users room", "0", "you")
}

// TestReconnectWithinGrace checks that a user who reconnects within the grace causes no event.
func TestReconnectWithinGrace(t *testing.T) {
	r, events := withPresence(time.Hour)
	h, url := serve(t, host.Options{Routes: []host.Route{r}})
	other := dialDo(t, url+"/c", "identify you")
	c := dialDo(t, url+"/c", "identify me;join room")
	wantPresence(t, events, presence{"", "you", true}, presence{"", "me", true}, presence{"room", "me", true})
	_ = c.CloseNow()
	wantMetric(t, h, `azuhost_connections{route="/c"}`, 1)
	_ = dialDo(t, url+"/c", "identify me;join room")
	do(t, other, "identify you too;users", "me\nyou\nyou too") // later events follow earlier ones
	wantPresence(t, events, presence{"", "you too", true})
	if len(events) != 0 {
		t.Errorf("%+v", <-events)
	}
}

// TestPresenceInWasm checks the ready-made plugin presence.
func TestPresenceInWasm(t *testing.T) {
	t.Parallel()
	_, url := serve(t, host.Options{Routes: []host.Route{{
		Path: "/p", Plugin: goGuest(t, "presence"), PresenceGrace: -1, Limits: host.Limits{Deadline: hookDeadline},
	}}})
	a := dial(t, url+"/p?user=ann")
	readUntil(t, a, `"ann"`)
	b := dial(t, url+"/p?user=bob")
	readUntil(t, a, `"bob"`)
	_ = b.CloseNow()
	readUntil(t, a, `"bob"`)
}
