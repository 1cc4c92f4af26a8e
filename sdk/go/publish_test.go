package azu_test

import (
	"errors"
	"testing"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
)

// publisher is a script with OnPublish.
type publisher struct {
	script
	publish func(to azu.Target, m azu.Message) error
}

func (p *publisher) OnPublish(to azu.Target, m azu.Message) error { return p.publish(to, m) }

func TestOnPublish(t *testing.T) {
	connect := func(c azu.Conn) error { return errors.Join(c.Identify(azu.User(c.Query("user"))), c.Join("r")) }
	publish := func(to azu.Target, m azu.Message) error {
		switch m.String() {
		case "refuse":
			return errors.Join(to.Send(m), azu.Refuse(403))
		case "fail":
			return errors.New("no luck")
		case "elsewhere":
			return azu.User("bob").Send(azu.Text("for " + string(to.Room)))
		case "drop":
			return nil
		}
		return to.Send(m)
	}
	h := azutest.New(t, azutest.Options{Channel: &publisher{script{connect: connect}, publish}})
	alice, bob := h.Connect("/?user=alice"), h.Connect("/?user=bob")
	for _, p := range []struct {
		to     azu.Target
		text   string
		status int
	}{
		{azu.Target{Room: "r"}, "room", 0},
		{azu.Target{User: "alice"}, "user", 0},
		{azu.Target{}, "all", 0},
		{azu.Target{Room: "r"}, "elsewhere", 0},
		{azu.Target{}, "drop", 0},
		{azu.Target{}, "refuse", 403},
		{azu.Target{}, "fail", 500},
	} {
		err := h.Publish(p.to, azu.Text(p.text))
		var refused *azutest.Refused
		errors.As(err, &refused)
		if (p.status == 0) != (err == nil) || p.status != 0 && (refused == nil || refused.Status != p.status) {
			t.Errorf("%s: %v, want status %d", p.text, err, p.status)
		}
	}
	alice.Expect("room", "user", "all")
	bob.Expect("room", "all", "for r")
	equal(t, "failures", h.Failures(), []string{"no luck"})
}

// TestPublishWithoutHook: messages to a channel without OnPublish go to their targets.
func TestPublishWithoutHook(t *testing.T) {
	h := start(t, &script{connect: func(c azu.Conn) error { return c.Join("r") }})
	a := h.Connect("/a")
	for _, to := range []azu.Target{{Room: "r"}, {}, {User: "nobody"}} {
		if err := h.Publish(to, azu.Text("x")); err != nil {
			t.Error(err)
		}
	}
	a.Expect("x", "x")
	if err := h.Publish(azu.Target{Room: "r\n"}, azu.Text("x")); err != azu.ErrInvalid {
		t.Error(err)
	}
}
