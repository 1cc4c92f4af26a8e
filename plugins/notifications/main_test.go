package main

import (
	"testing"

	"github.com/azuhost/azuhost/sdk/go/azutest"
)

const at = "1893499200000" // azutest.Start in ms

func TestNotifications(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/notifications"})
	alice, bob := host.Connect("/notifications"), host.Connect("/notifications")
	alice.Expect(`{"type":"welcome"}`)
	bob.Expect(`{"type":"welcome"}`)

	alice.Send(`{"type":"subscribe","topics":["news","sport"]}`)
	alice.Expect(`{"type":"subscribed","topics":["news","sport"]}`)
	bob.Send(`{"type":"notify","topic":"news","text":"it \"rains\""}`)
	alice.Expect(`{"type":"notification","topic":"news","text":"it \"rains\"","at":` + at + `}`)
	bob.Expect()

	alice.Send(`{"type":"unsubscribe","topics":["news"]}`)
	alice.Expect(`{"type":"unsubscribed","topics":["sport"]}`)
	bob.Send(`{"type":"notify","topic":"news","text":"again"}`)
	alice.Expect()

	bob.Send(`{"type":"notify","text":"to all"}`)
	want := `{"type":"notification","text":"to all","at":` + at + `}`
	alice.Expect(want)
	bob.Expect(want)
}

func TestNotificationsErrors(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/notifications"})
	c := host.Connect("/notifications")
	c.Send(`{"type":"subscribe","topics":["kept"]}`)
	c.Received()
	for message, want := range map[string]string{
		`{"type":"ping"}`:                      `{"type":"pong"}`,
		`nope`:                                 `{"type":"error","code":"INVALID_JSON"}`,
		`{"type":"x"}`:                         `{"type":"error","code":"UNKNOWN_TYPE"}`,
		`{"type":"subscribe"}`:                 `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"subscribe","topics":"news"}`: `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"subscribe","topics":["good",1]}`:       `{"type":"error","code":"INVALID_NAME"}`,
		`{"type":"subscribe","topics":["good","b\nad"]}`: `{"type":"error","code":"INVALID_NAME"}`,
		`{"type":"notify","topic":"news"}`:               `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"notify","topic":"","text":"x"}`:        `{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"notify","topic":"\u0000","text":"x"}`:  `{"type":"error","code":"INVALID_NAME"}`,
	} {
		c.Send(message)
		got := c.Received()
		if len(got) != 1 || got[0].String() != want {
			t.Errorf("%s: got %v, want %s", message, got, want)
		}
	}
	c.Send(`{"type":"unsubscribe","topics":["nothing"]}`)
	c.Expect(`{"type":"unsubscribed","topics":["kept"]}`)
}
