package main

import (
	"errors"
	"testing"
	"time"

	"github.com/azuhost/azuhost/sdk/go/azutest"
)

func TestPresence(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/presence", PresenceGrace: 5 * time.Second})
	alice := host.Connect("/presence?user=alice")
	alice.Expect(`{"type":"presence","user":"alice","online":true,"users":["alice"]}`)
	bob := host.Connect("/presence?user=bob")
	alice.Expect(`{"type":"presence","user":"bob","online":true,"users":["alice","bob"]}`)
	bob2 := host.Connect("/presence?user=bob")
	alice.Expect() // bob was present already

	alice.Send(`{"type":"online","user":"bob"}`)
	alice.Send(`{"type":"online","user":"carol"}`)
	alice.Send(`{"type":"who"}`)
	alice.Expect(
		`{"type":"online","user":"bob","online":true}`,
		`{"type":"online","user":"carol","online":false}`,
		`{"type":"users","users":["alice","bob"]}`)

	bob.Close(1001, "")
	bob2.Close(1006, "")
	host.Advance(4 * time.Second)
	bob = host.Connect("/presence?user=bob") // within the grace period, so there is no event
	host.Advance(time.Minute)
	alice.Expect()
	bob.Close(1001, "")
	host.Advance(5 * time.Second)
	alice.Expect(`{"type":"presence","user":"bob","online":false,"users":["alice"]}`)
}

func TestPresenceErrors(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/presence"})
	c := host.Connect("/presence?user=alice")
	c.Received()
	c.Send(`{"type":"ping"}`)
	c.Send(`?`)
	c.Send(`{"type":"?"}`)
	c.Send(`{"type":"online"}`)
	c.Expect(
		`{"type":"pong"}`,
		`{"type":"error","code":"INVALID_JSON"}`,
		`{"type":"error","code":"UNKNOWN_TYPE"}`,
		`{"type":"error","code":"INVALID_MESSAGE"}`)
	var refused *azutest.Refused
	if _, err := host.Dial("/presence", azutest.Request{}); !errors.As(err, &refused) || refused.Status != 400 {
		t.Errorf("without a user: %v", err)
	}
}
