package host_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/coder/websocket"
)

// control is what a control message of the host may have.
type control struct {
	Type, Conn, Room, Epoch, Code, User string
	ID                                  float64
	Offset                              uint64
	Recovered, Skip, Missed             bool
	Count                               int
	Users                               []string
}

// dialV1 connects with the subprotocol and gives the welcome.
func dialV1(t testing.TB, url string) (*websocket.Conn, control) {
	t.Helper()
	c, _, err := dialWith(t, url, map[string]string{"Sec-WebSocket-Protocol": "azuhost.v1"})
	if err != nil {
		t.Fatal(err)
	}
	if c.Subprotocol() != host.Protocol {
		t.Fatalf("subprotocol %q", c.Subprotocol())
	}
	return c, wantControl(t, c, "welcome")
}

func wantControl(t testing.TB, c *websocket.Conn, typ string) (m control) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	if err != nil {
		t.Fatalf("waiting for %s: %v", typ, err)
	}
	if len(b) == 0 || b[0] != 0x1e {
		t.Fatalf("got the data %q, want the control message %s", b, typ)
	}
	if err := json.Unmarshal(b[1:], &m); err != nil || m.Type != typ {
		t.Fatalf("got %s (%v), want %s", b, err, typ)
	}
	return m
}

func request(t testing.TB, c *websocket.Conn, format string, args ...any) {
	t.Helper()
	send(t, c, "\x1e"+fmt.Sprintf(format, args...))
}

// historyRoute sends what comes to all in its room.
func historyRoute() host.Route {
	room := func(env host.Env, id host.ConnID) string {
		b, _ := env.Param(id, "room")
		return b
	}
	return host.Route{
		Path: "/rooms/:room", History: host.History{Size: 4}, SharePresence: true, PresenceGrace: -1,
		Channel: &host.Funcs{
			OnConnect: func(env host.Env, id host.ConnID) error {
				if user, err := env.Query(id, "user"); err == nil {
					if err := env.Identify(id, user); err != nil {
						return err
					}
				}
				return env.Join(id, room(env, id))
			},
			OnMessage: func(env host.Env, id host.ConnID, m host.Message) error {
				except := host.ConnID(0)
				if strings.HasPrefix(string(m.Data), "others:") {
					except = id
				}
				return env.Broadcast(room(env, id), m.Kind, m.Data, except)
			},
		},
	}
}

func TestRecovery(t *testing.T) {
	_, url := serve(t, host.Options{Node: "one", Routes: []host.Route{historyRoute()}})
	url += "/rooms/42"
	plain := dial(t, url)
	c, hello := dialV1(t, url)
	if hello.Conn != "one.2" {
		t.Errorf("the connection is called %q", hello.Conn)
	}
	joined := wantControl(t, c, "joined")
	if joined.Room != "42" || joined.Offset != 0 || joined.Epoch == "" {
		t.Fatalf("joined: %+v", joined)
	}
	do(t, plain, "one", "one")
	if p := wantControl(t, c, "position"); p.Offset != 1 || p.Room != "42" {
		t.Errorf("position %+v", p)
	}
	want(t, c, "one")
	send(t, c, "others: two") // not to itself: told of the place all the same
	want(t, plain, "others: two")
	if p := wantControl(t, c, "position"); p.Offset != 2 || !p.Skip {
		t.Errorf("position %+v", p)
	}
	_ = c.Close(websocket.StatusNormalClosure, "")

	do(t, plain, "three", "three")
	do(t, plain, "\x1efour", "\x1efour")
	back, _ := dialV1(t, url)
	if j := wantControl(t, back, "joined"); j.Offset != 4 || j.Epoch != joined.Epoch {
		t.Errorf("joined: %+v", j)
	}
	ask := func(epoch string, offset int, count int, ok bool, messages ...string) {
		t.Helper()
		request(t, back, `{"type":"recover","id":7,"room":"42","epoch":%q,"offset":%d,"conn":%q}`, epoch, offset, hello.Conn)
		r := wantControl(t, back, "recovered")
		if r.ID != 7 || r.Recovered != ok || r.Count != count || r.Offset != 4 || r.Epoch != joined.Epoch {
			t.Errorf("recovered: %+v", r)
		}
		for i, m := range messages {
			p := wantControl(t, back, "position")
			if p.Offset != uint64(offset+1+i) {
				t.Errorf("position %+v at %d", p, i)
			}
			if !p.Skip {
				want(t, back, m)
			}
		}
	}
	ask(joined.Epoch, 2, 2, true, "three", "\x1e\x1efour")
	ask(joined.Epoch, 1, 3, true, "(its own)", "three", "\x1e\x1efour")
	ask(joined.Epoch, 4, 0, true)
	ask(joined.Epoch, 9, 0, false)
	ask("another", 2, 0, false)
	do(t, plain, "five", "five")
	wantControl(t, back, "position")
	want(t, back, "five")
	request(t, back, `{"type":"recover","room":"42","epoch":%q,"offset":0}`, joined.Epoch)
	if r := wantControl(t, back, "recovered"); r.Recovered || r.Count != 0 {
		t.Errorf("more than the history has: %+v", r)
	}
}

func TestControlMessages(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{historyRoute(), {Path: "/none", Channel: historyRoute().Channel}}})
	c, _ := dialV1(t, url+"/rooms/a")
	wantControl(t, c, "joined")
	for text, code := range map[string]string{
		"":                               "INVALID",
		"{":                              "INVALID",
		"[]":                             "INVALID",
		`{"type":"ping"} x`:              "INVALID",
		`{"type":1}`:                     "INVALID",
		`{"type":"dance"}`:               "UNKNOWN_TYPE",
		`{"type":"recover"}`:             "INVALID",
		`{"type":"presence"}`:            "INVALID",
		`{"type":"presence","room":"b"}`: "NOT_MEMBER",
		`{"type":"recover","room":"b","epoch":"e","offset":1}`:  "NOT_MEMBER",
		`{"type":"recover","room":"a","epoch":"e","offset":-1}`: "INVALID",
	} {
		request(t, c, "%s", text)
		if e := wantControl(t, c, "error"); e.Code != code {
			t.Errorf("%s: %s, want %s", text, e.Code, code)
		}
	}
	request(t, c, `{"type":"ping","id":3}`)
	if p := wantControl(t, c, "pong"); p.ID != 3 {
		t.Errorf("pong: %+v", p)
	}
	send(t, c, "\x1e\x1edata")
	wantControl(t, c, "position")
	want(t, c, "\x1e\x1edata")
	wantMetric(t, h, `azuhost_messages_received_total{kind="text",route="/rooms/:room"}`, 1)
	// A plain client may send what it likes.
	do(t, dial(t, url+"/rooms/b"), "\x1e{}", "\x1e{}")
}

func TestWatchedPresence(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{historyRoute()}})
	c, _ := dialV1(t, url+"/rooms/a?user=ann")
	wantControl(t, c, "joined")
	request(t, c, `{"type":"presence","id":1,"room":"a","watch":true}`)
	if p := wantControl(t, c, "presence"); len(p.Users) != 1 || p.Users[0] != "ann" {
		t.Errorf("presence: %+v", p)
	}
	bob := dial(t, url+"/rooms/a?user=bob")
	for {
		p := wantControl(t, c, "presence_join") // her own may come as well
		if p.User == "bob" {
			break
		}
	}
	_ = bob.Close(websocket.StatusNormalClosure, "")
	if p := wantControl(t, c, "presence_leave"); p.User != "bob" || p.Room != "a" {
		t.Errorf("%+v", p)
	}
}

// TestPresenceListIsNotOlder: once a client was told that a user left, no list has that user.
func TestPresenceListIsNotOlder(t *testing.T) {
	const users, watchers = 2000, 4
	_, url := serve(t, host.Options{Routes: []host.Route{{
		Path: "/c", SharePresence: true, PresenceGrace: -1, Channel: scriptInGo(), Limits: host.Limits{MessagesPerSecond: -1, Deadline: patient},
	}}})
	var wait sync.WaitGroup
	defer wait.Wait()
	for w := range watchers {
		c, _ := dialV1(t, url+"/c")
		send(t, c, fmt.Sprintf("i w%d;j r;s in", w))
		want(t, c, "in")
		wait.Go(func() { watchLists(t, c, fmt.Sprintf("u%d", users)) })
	}
	c := dial(t, url+"/c")
	send(t, c, "j r") // one connection that is one user after the other
	for i := range users {
		do(t, c, fmt.Sprintf("i u%d;s done", i+1), "done")
	}
}

// TestPresenceListHasWhoComesBack: a user who leaves and is back before anybody was told is in the
// list that is asked for meanwhile: no news would bring that user back.
func TestPresenceListHasWhoComesBack(t *testing.T) {
	told, on := make(chan struct{}), make(chan struct{})
	r := historyRoute()
	r.History.Size, r.Limits.Deadline = 0, patient
	rt := r.Channel.(*host.Funcs)
	rt.Concurrent = true
	rt.OnPresence = func(_ host.Env, room, user string, join bool) error {
		if room != "" && user == "eve" && join {
			close(told)
			<-on // nobody is told of anything meanwhile
		}
		return nil
	}
	h, url := serve(t, host.Options{Routes: []host.Route{r}})
	url += "/rooms/a?user="
	ann := dial(t, url+"ann")
	c, _ := dialV1(t, url+"bob")
	dial(t, url+"eve")
	receive(t, told)
	_ = ann.CloseNow()
	eventually(t, "ann has left", func() bool {
		room, err := h.Room(t.Context(), "/rooms/:room", "a")
		return err == nil && room.Sockets == 2
	})
	request(t, c, `{"type":"presence","id":1,"room":"a","watch":true}`)
	p := wantControl(t, c, "presence")
	dial(t, url+"ann")
	close(on)
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
		t.Errorf("ann is there, and the watcher has %v after the list %v", users, p.Users)
	}
}

// watchLists asks who is in room r, again and again, until a user is there.
func watchLists(t *testing.T, c *websocket.Conn, last string) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	left := map[string]bool{}
	ask := func() {
		if err := c.Write(ctx, websocket.MessageText, []byte("\x1e"+`{"type":"presence","id":1,"room":"r","watch":true}`)); err != nil {
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
				t.Errorf("%s is in a list, and had left before", user)
			}
		}
		if m.Type == "presence" {
			ask()
		}
	}
}

// TestWatchEndsWithTheRoom: who leaves a watched room and comes back has to ask again.
func TestWatchEndsWithTheRoom(t *testing.T) {
	_, url := serve(t, host.Options{Routes: []host.Route{{Path: "/c", SharePresence: true, PresenceGrace: -1, Channel: scriptInGo()}}})
	c, _ := dialV1(t, url+"/c")
	send(t, c, "j r;j other;s in")
	want(t, c, "in")
	for i, room := range []string{"r", "other"} {
		request(t, c, `{"type":"presence","id":%d,"room":%q,"watch":true}`, i, room)
		wantControl(t, c, "presence")
	}
	send(t, c, "l r;j r;s back")
	want(t, c, "back")
	want(t, dialDo(t, url+"/c", "i bob;j r;j other;s in"), "in")
	if p := wantControl(t, c, "presence_join"); p.Room != "other" {
		t.Errorf("told of room %s", p.Room)
	}
}

// TestHistoryOutlivesMembers: what the program sends to an empty room is kept.
func TestHistoryOutlivesMembers(t *testing.T) {
	h, url := serve(t, host.Options{Routes: []host.Route{historyRoute()}})
	c, _ := dialV1(t, url+"/rooms/a")
	joined := wantControl(t, c, "joined")
	_ = c.Close(websocket.StatusNormalClosure, "")
	wantMetric(t, h, `azuhost_connections{route="/rooms/:room"}`, 0)
	if _, err := h.Publish(t.Context(), host.Publication{Route: "/rooms/:room", Room: "a", Kind: abi.Binary, Data: []byte{1, 0x1e}}); err != nil {
		t.Fatal(err)
	}
	c, _ = dialV1(t, url+"/rooms/a")
	wantControl(t, c, "joined")
	request(t, c, `{"type":"recover","room":"a","epoch":%q,"offset":0}`, joined.Epoch)
	if r := wantControl(t, c, "recovered"); !r.Recovered || r.Count != 1 {
		t.Fatalf("%+v", r)
	}
	wantControl(t, c, "position")
	kind, b, err := c.Read(testContext(t))
	if err != nil || kind != websocket.MessageBinary || string(b) != "\x01\x1e" {
		t.Errorf("%v %q %v", kind, b, err)
	}
	wantMetric(t, h, `azuhost_recoveries_total{result="recovered",route="/rooms/:room"}`, 1)
}

func FuzzControl(f *testing.F) {
	f.Add(`{"type":"recover","id":1,"room":"a","epoch":"e","offset":0,"conn":"one.1"}`)
	f.Add(`{"type":"presence","room":"\u001e","watch":true}`)
	_, url := serve(f, host.Options{Routes: []host.Route{historyRoute()}})
	c, _ := dialV1(f, url+"/rooms/a")
	wantControl(f, c, "joined")
	f.Fuzz(func(t *testing.T, text string) {
		if strings.HasPrefix(text, "\x1e") || strings.ToValidUTF8(text, "") != text {
			t.Skip()
		}
		request(t, c, "%s", text)
		for { // there is an answer to everything
			_, b, err := c.Read(testContext(t))
			if err != nil {
				t.Fatalf("%q: %v", text, err)
			}
			if len(b) > 0 && b[0] == 0x1e && !strings.Contains(string(b), `"position"`) {
				return
			}
		}
	})
}
