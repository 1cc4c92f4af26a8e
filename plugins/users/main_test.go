package main

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/azuhost/azuhost/sdk/go/azutest"
	"github.com/azuhost/azuhost/sdk/go/json"
)

func TestUsers(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/users"})
	alice, bob := host.Connect("/users?user=alice"), host.Connect("/users?user=bob")
	bob2 := host.Connect("/users?user=bob")

	alice.Send(`{"type":"send","to":"bob","text":"hi\n"}`)
	bob.Expect(`{"type":"message","from":"alice","text":"hi\n"}`)
	bob2.Expect(`{"type":"message","from":"alice","text":"hi\n"}`)
	alice.Expect(`{"type":"sent","to":"bob","online":true}`)

	bob.Send(`{"type":"send","to":["alice","carol","alice"],"text":"both"}`)
	alice.Expect(`{"type":"message","from":"bob","text":"both"}`)
	bob.Expect(`{"type":"sent","to":"alice","online":true}`, `{"type":"sent","to":"carol","online":false}`)

	bob.Close(1001, "")
	bob2.Close(1001, "")
	host.Advance(time.Minute)
	alice.Send(`{"type":"send","to":"bob","text":"gone?"}`)
	alice.Expect(`{"type":"sent","to":"bob","online":false}`)
}

func TestUsersErrors(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/users"})
	c := host.Connect("/users?user=alice")
	var many []string
	for i := range maxTo + 1 {
		many = append(many, fmt.Sprint("u", i))
	}
	tooMany := `{"type":"send","to":` + string(json.Strings(many)) + `,"text":"x"}`
	for message, want := range map[string]string{
		`{"type":"ping"}`:                        `{"type":"pong"}`,
		`{`:                                      `{"type":"error","code":"INVALID_JSON"}`,
		`{"type":"x"}`:                           `{"type":"error","code":"UNKNOWN_TYPE"}`,
		`{"type":"send","text":"x"}`:             `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"send","to":"bob"}`:             `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"send","to":[],"text":"x"}`:     `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"send","to":[1],"text":"x"}`:    `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"send","to":"a\nb","text":"x"}`: `{"type":"error","code":"INVALID_NAME"}`,
		tooMany:                                  `{"type":"error","code":"INVALID_MESSAGE"}`,
	} {
		c.Send(message)
		got := c.Received()
		if len(got) != 1 || got[0].String() != want {
			t.Errorf("%s: got %v, want %s", message, got, want)
		}
	}
	for _, target := range []string{"/users", "/users?user=", "/users?user=a%0Ab"} {
		var refused *azutest.Refused
		_, err := host.Dial(target, azutest.Request{})
		if !errors.As(err, &refused) || refused.Status != 400 {
			t.Errorf("%s: %v", target, err)
		}
	}
}
