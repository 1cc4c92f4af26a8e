package azu_test

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
	_ "github.com/azuhost/azuhost/sdk/go/onping"
	_ "github.com/azuhost/azuhost/sdk/go/onpong"
	_ "github.com/azuhost/azuhost/sdk/go/onpresence"
	_ "github.com/azuhost/azuhost/sdk/go/onpublish"
)

// script is a channel made of functions. A function that is nil does nothing.
type script struct {
	load     func(config []byte) error
	connect  func(c azu.Conn) error
	message  func(c azu.Conn, m azu.Message) error
	close    func(c azu.Conn, code int, reason string) error
	timer    func(c azu.Conn, name string) error
	ping     func(c azu.Conn, payload []byte) error
	pong     func(c azu.Conn, payload []byte) error
	presence func(room azu.Room, user azu.User, joined bool) error
}

func (s *script) OnLoad(config []byte) error {
	if s.load == nil {
		return nil
	}
	return s.load(config)
}

func (s *script) OnConnect(c azu.Conn) error {
	if s.connect == nil {
		return nil
	}
	return s.connect(c)
}

func (s *script) OnMessage(c azu.Conn, m azu.Message) error {
	if s.message == nil {
		return nil
	}
	return s.message(c, m)
}

func (s *script) OnClose(c azu.Conn, code int, reason string) error {
	if s.close == nil {
		return nil
	}
	return s.close(c, code, reason)
}

func (s *script) OnTimer(c azu.Conn, name string) error {
	if s.timer == nil {
		return nil
	}
	return s.timer(c, name)
}

func (s *script) OnPing(c azu.Conn, payload []byte) error {
	if s.ping == nil {
		return nil
	}
	return s.ping(c, payload)
}

func (s *script) OnPong(c azu.Conn, payload []byte) error {
	if s.pong == nil {
		return nil
	}
	return s.pong(c, payload)
}

func (s *script) OnPresence(room azu.Room, user azu.User, joined bool) error {
	if s.presence == nil {
		return nil
	}
	return s.presence(room, user, joined)
}

// start returns a host for a script, with the path /:room.
func start(t *testing.T, s *script) *azutest.Host {
	t.Helper()
	return azutest.New(t, azutest.Options{Path: "/:room", Channel: s})
}

// join returns the values as a text, separated by spaces.
func join(values ...any) string { return strings.TrimSuffix(fmt.Sprintln(values...), "\n") }

// equal fails the test unless got is want.
func equal[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%s: got %v, want %v", what, got, want)
	}
}

func TestMessages(t *testing.T) {
	h := start(t, &script{message: func(c azu.Conn, m azu.Message) error { return c.Send(m) }})
	c := h.Connect("/a")
	c.Send("text")
	c.Send("")
	c.Expect("text", "")
	c.SendMessage(azu.Binary([]byte{0, 255}))
	got := c.Received()
	equal(t, "binary", got, []azu.Message{azu.Binary("\x00\xff")})
	large := strings.Repeat("x", 200<<10) // larger than the inbox
	c.Send(large)
	c.Expect(large)
}

// TestMessageIsNotKept: the data of a message is not valid after the hook, and that of a clone is.
func TestMessageIsNotKept(t *testing.T) {
	var kept, cloned azu.Message
	h := start(t, &script{message: func(c azu.Conn, m azu.Message) error {
		kept, cloned = m, m.Clone()
		return nil
	}})
	h.Connect("/a").Send("hello")
	if kept.String() == "hello" {
		t.Error("the inbox still has the message, so that a channel which keeps it would pass its tests")
	}
	equal(t, "the clone", cloned.String(), "hello")
}

func TestTargetParamQueryHeader(t *testing.T) {
	var later string
	h := start(t, &script{
		connect: func(c azu.Conn) error {
			equal(t, "target", c.Target(), "/ro%20om?a=1&a=2&b=%26")
			equal(t, "param", c.Param("room"), "ro om")
			equal(t, "no param", c.Param("nope"), "")
			equal(t, "query", c.Query("a")+c.Query("b")+c.Query("c"), "1&")
			equal(t, "header", c.Header("x-test"), "yes")
			equal(t, "address", c.RemoteAddr(), "192.0.2.1")
			equal(t, "subprotocol", c.Subprotocol(), "v1")
			return nil
		},
		message: func(c azu.Conn, m azu.Message) error {
			later = c.Param("room") + c.Query("a") + c.Target()
			b, err := c.AppendParam([]byte("x"), "room")
			equal(t, "appended", string(b), "xro om")
			return err
		},
	})
	c, err := h.Dial("/ro%20om?a=1&a=2&b=%26", azutest.Request{
		Header: map[string]string{"X-Test": "yes"}, RemoteAddr: "192.0.2.1", Subprotocol: "v1",
	})
	if err != nil {
		t.Fatal(err)
	}
	c.Send("")
	equal(t, "later", later, "ro om")
	logs := h.Logs()
	if len(logs) != 1 || logs[0].Level != azu.LevelWarn || !strings.Contains(logs[0].Text, "OnConnect") {
		t.Errorf("the query outside OnConnect logged %v", logs)
	}
}

func TestClaims(t *testing.T) {
	const claims = `{"sub":"alice","role":"admin","rooms":["a","b"]}`
	h := start(t, &script{
		connect: func(c azu.Conn) error {
			if c.Claims() == nil {
				return c.Send(azu.Text("nobody"))
			}
			equal(t, "the user", string(c.User()), c.Claim("sub").Str())
			if !c.Claim("role").Is("admin") || c.Claim("none").Exists() {
				return azu.Refuse(403)
			}
			return c.Join("room")
		},
		message: func(c azu.Conn, m azu.Message) error { return c.Send(azu.Text(string(c.Claims()))) },
	})
	c, err := h.Dial("/a", azutest.Request{Claims: claims})
	if err != nil {
		t.Fatal(err)
	}
	c.Send("")
	c.Expect(claims)
	h.Connect("/a").Expect("nobody")
	_, err = h.Dial("/a", azutest.Request{Claims: `{"sub":"bob"}`})
	if err == nil || err.Error() != "azutest: refused with status 403" {
		t.Errorf("bob: %v", err)
	}
	for _, bad := range []string{`{`, `{}`, `{"sub":""}`, `{"sub":"a\nb"}`} {
		if _, err := h.Dial("/a", azutest.Request{Claims: bad}); err == nil {
			t.Errorf("the claims %s are accepted", bad)
		}
	}
}

func TestRefuse(t *testing.T) {
	for _, test := range []struct {
		err          error
		status, code int
	}{
		{azu.Refuse(403), 403, 0},
		{fmt.Errorf("no: %w", azu.Refuse(400)), 400, 0},
		{errors.Join(errors.New("x"), azu.Refuse(599)), 599, 0},
		{azu.RefuseClose(4999), 0, 4999},
		{errors.New("boom"), 500, 0},
	} {
		h := start(t, &script{connect: func(c azu.Conn) error {
			return errors.Join(c.Join("room"), c.Send(azu.Text("bye")), test.err)
		}})
		c, err := h.Dial("/a", azutest.Request{})
		var refused *azutest.Refused
		switch {
		case test.code != 0:
			if err != nil {
				t.Fatal(err)
			}
			c.Expect("bye")
			code, _, closed := c.Closed()
			equal(t, "closed", join(code, closed), join(test.code, true))
		case !errors.As(err, &refused) || refused.Status != test.status:
			t.Errorf("%v: got %v, want status %d", test.err, err, test.status)
		}
		if failed := len(h.Failures()) > 0; failed != (test.status == 500) {
			t.Errorf("%v: there is a failure: %v", test.err, failed)
		}
	}
	for _, f := range []func(){
		func() { _ = azu.Refuse(399) }, func() { _ = azu.Refuse(600) },
		func() { _ = azu.RefuseClose(2999) }, func() { _ = azu.RefuseClose(5000) },
		func() { azu.Register(&script{}); azu.Register(&script{}) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Error("no panic")
				}
			}()
			f()
		}()
	}
}

func TestRoomsAndUsers(t *testing.T) {
	var h *azutest.Host
	ops := map[string]func(c azu.Conn) error{
		"join":     func(c azu.Conn) error { return c.Join("r") },
		"leave":    func(c azu.Conn) error { return c.Leave("r") },
		"room":     func(c azu.Conn) error { return azu.Room("r").Broadcast(azu.Text("to room")) },
		"others":   func(c azu.Conn) error { return azu.Room("r").BroadcastExcept(azu.Text("to others"), c) },
		"all":      func(c azu.Conn) error { return azu.Broadcast(azu.Text("to all")) },
		"all but":  func(c azu.Conn) error { return azu.BroadcastExcept(azu.Text("to all but"), c) },
		"to bob":   func(c azu.Conn) error { return azu.User("bob").Send(azu.Text("to bob")) },
		"to users": func(c azu.Conn) error { return azu.SendUsers([]azu.User{"bob", "eve"}, azu.Text("to users")) },
		"to nobody": func(c azu.Conn) error {
			if err := azu.SendUsers([]azu.User{"bob\neve"}, azu.Text("x")); err != azu.ErrInvalid {
				return fmt.Errorf("two names in one: %v", err)
			}
			return azu.SendUsers(nil, azu.Text("x"))
		},
		"look": func(c azu.Conn) error {
			return c.Send(azu.Text(join(azu.Room("r").Size(), azu.Room("r").Members(), azu.Room("r").Users(),
				c.Rooms(), c.User(), azu.Users(), azu.User("bob").Online(), azu.User("eve").Online())))
		},
		"nobody": func(c azu.Conn) error { return c.Identify("") },
	}
	h = start(t, &script{
		connect: func(c azu.Conn) error { return c.Identify(azu.User(c.Query("user"))) },
		message: func(c azu.Conn, m azu.Message) error { return ops[m.String()](c) },
	})
	alice, bob, bob2 := h.Connect("/a?user=alice"), h.Connect("/a?user=bob"), h.Connect("/a?user=bob")
	all := []*azutest.Client{alice, bob, bob2}
	expect := func(want ...[]string) {
		t.Helper()
		for i, c := range all {
			c.Expect(want[i]...)
		}
	}
	none := []string(nil)
	alice.Send("join")
	bob.Send("join")
	bob.Send("join")
	alice.Send("room")
	expect([]string{"to room"}, []string{"to room"}, none)
	alice.Send("others")
	expect(none, []string{"to others"}, none)
	bob2.Send("all")
	bob2.Send("all but")
	expect([]string{"to all", "to all but"}, []string{"to all", "to all but"}, []string{"to all"})
	alice.Send("to bob")
	alice.Send("to users")
	alice.Send("to nobody")
	expect(none, []string{"to bob", "to users"}, []string{"to bob", "to users"})
	alice.Send("look")
	alice.Expect("2 [1 2] [alice bob] [r] alice [alice bob] true false")
	bob.Send("leave")
	bob.Send("look")
	bob.Expect("1 [1] [alice bob] [] bob [alice bob] true false") // bob's grace
	h.Advance(15 * time.Second)
	bob.Send("look")
	bob.Expect("1 [1] [alice] [] bob [alice bob] true false")
	bob.Send("nobody")
	bob2.Close(1006, "")
	h.Advance(15 * time.Second)
	alice.Send("look")
	alice.Expect("1 [1] [alice] [r] alice [alice] false false")
}

func TestManyMembers(t *testing.T) {
	h := start(t, &script{
		connect: func(c azu.Conn) error {
			return errors.Join(c.Join("r"), c.Identify(azu.User(strings.Repeat("u", 200)+join(c))))
		},
		message: func(c azu.Conn, m azu.Message) error {
			equal(t, "members", len(azu.Room("r").Members()), 300) // 2400 bytes: more than the first buffer
			equal(t, "users", len(azu.Users()), 300)
			return nil
		},
	})
	var c *azutest.Client
	for range 300 {
		c = h.Connect("/a")
	}
	c.Send("")
}

func TestHookIsAtomic(t *testing.T) {
	fails := errors.New("the database is gone")
	h := start(t, &script{message: func(c azu.Conn, m azu.Message) error {
		if m.String() == "look" {
			_, err := c.Value("k")
			_, err2 := azu.Key("k").Get()
			_, stillThere := c.Value("kept")
			return c.Send(azu.Text(join(c.Rooms(), c.User(), err == azu.ErrNotFound, err2 == azu.ErrNotFound,
				stillThere == nil, c.ClearTimer("t") == azu.ErrNotFound)))
		}
		if err := c.SetValue("kept", "1"); m.String() == "keep" {
			return err
		}
		err := errors.Join(c.Send(m), c.Join("r"), c.Identify("u"), c.SetValue("k", "v"), c.DeleteValue("kept"),
			azu.Key("k").Set("v", 0), c.SetTimer("t", 0), c.Close(1000, ""))
		own := join(err, c.Rooms(), c.User(), azu.User("u").Online(), azu.Room("r").Users())
		equal(t, "the hook's own writes", own, "<nil> [r] u true [u]")
		azu.Info("logged")
		if m.String() == "panic" {
			panic(fails)
		}
		return fails
	}})
	c := h.Connect("/a")
	c.Send("keep")
	c.Send("fail")
	c.Send("panic")
	c.Expect(`{"type":"error","code":"INTERNAL_ERROR"}`, `{"type":"error","code":"INTERNAL_ERROR"}`)
	equal(t, "failures", h.Failures(), []string{"the database is gone", "panic: the database is gone"})
	c.Send("look")
	c.Expect("[]  true true true true")
	logs := h.Logs()
	if len(logs) != 3 || logs[0].Text != "logged" {
		t.Fatalf("the logs are %v", logs)
	}
	if stack := logs[2]; stack.Level != azu.LevelError || !strings.Contains(stack.Text, "azu_test.go:") {
		t.Errorf("the panic logged %v", stack)
	}
}

func TestCloseAndOnClose(t *testing.T) {
	var ended []string
	h := start(t, &script{
		connect: func(c azu.Conn) error { return c.Join("r") },
		message: func(c azu.Conn, m azu.Message) error {
			return errors.Join(c.Send(m), c.Close(4000, "go"), c.Send(azu.Text("dropped")), c.Close(4001, "again"))
		},
		close: func(c azu.Conn, code int, reason string) error {
			sent := c.Send(azu.Text("dropped"))
			ended = append(ended, join(c, code, reason, c.Rooms(), azu.Room("r").Size(), sent))
			return azu.Room("r").Broadcast(azu.Text("gone"))
		},
	})
	a, b := h.Connect("/a"), h.Connect("/a")
	a.Send("bye")
	a.Expect("bye")
	b.Expect("gone")
	code, reason, closed := a.Closed()
	equal(t, "closed", join(code, reason, closed), "4000 go true")
	b.Close(1001, "tab")
	equal(t, "ended", ended, []string{"1 4000 go [r] 1 <nil>", "2 1001 tab [r] 0 <nil>"})
}

func TestOptionalHooks(t *testing.T) {
	var seen []string
	see := func(what ...any) error { seen = append(seen, join(what...)); return nil }
	s := &script{
		load:     func(config []byte) error { return see("load", string(config)) },
		connect:  func(c azu.Conn) error { return errors.Join(c.Identify("u"), c.Join("r")) },
		ping:     func(c azu.Conn, p []byte) error { return see("ping", string(p)) },
		pong:     func(c azu.Conn, p []byte) error { return see("pong", string(p)) },
		presence: func(r azu.Room, u azu.User, joined bool) error { return see("presence", r, u, joined) },
	}
	h := azutest.New(t, azutest.Options{Config: `{"a":1}`, Channel: s, PresenceGrace: -1})
	c := h.Connect("/")
	c.Ping("1")
	c.Pong("2")
	c.Close(1000, "")
	equal(t, "seen", seen, []string{
		`load {"a":1}`, "presence  u true", "presence r u true", "ping 1", "pong 2",
		"presence  u false", "presence r u false",
	})
}

func TestLoadFails(t *testing.T) {
	fail := func([]byte) error { return errors.New("no such option") }
	_, err := azutest.Load(t, azutest.Options{Channel: &script{load: fail}})
	if err == nil || err.Error() != "no such option" {
		t.Errorf("got %v", err)
	}
}
