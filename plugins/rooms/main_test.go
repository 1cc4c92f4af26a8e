package main

import (
	"reflect"
	"testing"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
)

func TestRooms(t *testing.T) {
	for _, o := range []azutest.Options{
		{Path: "/rooms/:room_id"},
		{Path: "/rooms/:room"},
		{Path: "/rooms/:number", Config: `{"param":"number"}`},
	} {
		host := azutest.New(t, o)
		alice, bob, eve := host.Connect("/rooms/42"), host.Connect("/rooms/42"), host.Connect("/rooms/43")
		alice.Send("hello")
		bob.SendMessage(azu.Binary("\x00\xff"))
		for _, c := range []*azutest.Client{alice, bob} {
			got, want := c.Received(), []azu.Message{azu.Text("hello"), azu.Binary("\x00\xff")}
			if !reflect.DeepEqual(got, want) {
				t.Errorf("%s: got %v, want %v", o.Path, got, want)
			}
		}
		eve.Expect()
		bob.Close(1001, "")
		alice.Send("bye")
		alice.Expect("bye")
	}
}

func TestRoomsConfig(t *testing.T) {
	for _, config := range []string{`{"param":""}`, `{"param":1}`, `nonsense`} {
		if _, err := azutest.Load(t, azutest.Options{Config: config}); err == nil {
			t.Errorf("%s is accepted", config)
		}
	}
	host := azutest.New(t, azutest.Options{Path: "/rooms/:room", Config: `{"param":"number"}`})
	if _, err := host.Dial("/rooms/42", azutest.Request{}); err == nil {
		t.Error("a route without the parameter accepts a connection")
	}
	if f := host.Failures(); len(f) != 1 || f[0] != errNoParam.Error() {
		t.Errorf("failed with %q", f)
	}
}
