package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/coder/websocket"
)

// TestPresenceSubscription checks the events that a subscriber to the presence of a room receives.
func TestPresenceSubscription(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{historyRoute()}})
	c, _ := dialV1(t, url+"/rooms/a?user=ann")
	wantControl(t, c, "joined")
	request(t, c, `{"type":"presence","id":1,"room":"a","watch":true}`)
	if p := wantControl(t, c, "presence"); len(p.Users) != 1 || p.Users[0] != "ann" {
		t.Errorf("presence: %+v", p)
	}
	bob := dial(t, url+"/rooms/a?user=bob")
	for {
		p := wantControl(t, c, "presence_join") // ann's own event may precede it
		if p.User == "bob" {
			break
		}
	}
	_ = bob.Close(websocket.StatusNormalClosure, "")
	if p := wantControl(t, c, "presence_leave"); p.User != "bob" || p.Room != "a" {
		t.Errorf("%+v", p)
	}
}

// TestPresenceListAfterLeave checks that no list contains a user whose leave was announced before it.
func TestPresenceListAfterLeave(t *testing.T) {
	const users, subscribers = 2000, 4
	_, url := serve(t, host.Options{Routes: []host.Route{{
		Path: "/c", SharePresence: true, PresenceGrace: -1, Channel: scriptInGo(),
		Limits: host.Limits{MessagesPerSecond: -1, Deadline: hookDeadline},
	}}})
	var wait sync.WaitGroup
	defer wait.Wait()
	for w := range subscribers {
		c, _ := dialV1(t, url+"/c")
		send(t, c, fmt.Sprintf("identify w%d;join r;send in", w))
		want(t, c, "in")
		wait.Go(func() { checkPresenceLists(t, c, fmt.Sprintf("u%d", users)) })
	}
	c := dial(t, url+"/c")
	send(t, c, "join r") // this connection is identified as one user after the other
	for i := range users {
		do(t, c, fmt.Sprintf("identify u%d;send done", i+1), "done")
	}
}

// TestPresenceListWithReturningUser checks that a list contains a user who left and returned before the leave was
// announced, because no event follows for that user.
func TestPresenceListWithReturningUser(t *testing.T) {
	running, proceed := make(chan struct{}), make(chan struct{})
	r := historyRoute()
	r.History.Size, r.Limits.Deadline = 0, hookDeadline
	f := r.Channel.(*host.Funcs)
	f.Concurrent = true
	f.OnPresence = func(_ host.Env, room, user string, join bool) error {
		if room != "" && user == "eve" && join {
			close(running)
			<-proceed // nothing is announced before
		}
		return nil
	}
	h, url := serve(t, host.Options{Routes: []host.Route{r}})
	url += "/rooms/a?user="
	ann := dial(t, url+"ann")
	c, _ := dialV1(t, url+"bob")
	dial(t, url+"eve")
	receive(t, running)
	_ = ann.CloseNow()
	eventually(t, "ann has left", func() bool {
		room, err := h.Room(t.Context(), "/rooms/:room", "a")
		return err == nil && room.Sockets == 2
	})
	request(t, c, `{"type":"presence","id":1,"room":"a","watch":true}`)
	p := wantControl(t, c, "presence")
	dial(t, url+"ann")
	close(proceed)
	dial(t, url+"zoe")
	users := map[string]bool{}
	for _, user := range p.Users {
		users[user] = true
	}
	for !users["zoe"] {
		m := wantAnyControl(t, c)
		users[m.User] = m.Type == "presence_join"
	}
	if !users["ann"] {
		t.Errorf("ann is present, and the subscriber knows %v after the list %v", users, p.Users)
	}
}

// checkPresenceLists requests the list of the users in room r until it contains the user last. It checks that no list
// contains a user whose leave was announced.
func checkPresenceLists(t *testing.T, c *websocket.Conn, last string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	left := map[string]bool{}
	ask := func() {
		const message = "\x1e" + `{"type":"presence","id":1,"room":"r","watch":true}`
		if err := c.Write(ctx, websocket.MessageText, []byte(message)); err != nil {
			t.Error(err)
		}
	}
	ask()
	for !t.Failed() {
		var m control
		_, b, err := c.Read(ctx)
		if err != nil || len(b) == 0 || json.Unmarshal(b[1:], &m) != nil {
			t.Errorf("got %q, %v", b, err)
			return
		}
		if m.Type == "presence_leave" {
			left[m.User] = true
		}
		for _, user := range m.Users {
			if user == last {
				return
			}
			if left[user] {
				t.Errorf("%s is in a list after the leave", user)
			}
		}
		if m.Type == "presence" {
			ask()
		}
	}
}

// TestSubscriptionEndsWithMembership checks that a subscription ends when the connection leaves the room, and does not
// return with it.
func TestSubscriptionEndsWithMembership(t *testing.T) {
	r := host.Route{Path: "/c", SharePresence: true, PresenceGrace: -1, Channel: scriptInGo()}
	_, url := serve(t, host.Options{Routes: []host.Route{r}})
	c, _ := dialV1(t, url+"/c")
	send(t, c, "join r;join other;send in")
	want(t, c, "in")
	for i, room := range []string{"r", "other"} {
		request(t, c, `{"type":"presence","id":%d,"room":%q,"watch":true}`, i, room)
		wantControl(t, c, "presence")
	}
	send(t, c, "leave r;join r;send back")
	want(t, c, "back")
	want(t, dialDo(t, url+"/c", "identify bob;join r;join other;send in"), "in")
	if p := wantControl(t, c, "presence_join"); p.Room != "other" {
		t.Errorf("an event of room %s", p.Room)
	}
}
