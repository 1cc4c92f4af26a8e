package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
)

const at = "1893499200000" // azutest.Start in ms

func TestChat(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/chat", PresenceGrace: 2 * time.Second})
	alice, bob := host.Connect("/chat?name=alice"), host.Connect("/chat?name=%20b%C3%B6b%20")

	alice.Send(`{"type":"subscribe","room":"general"}`)
	alice.Expect(
		`{"type":"subscribed","room":"general","users":["alice"]}`,
		`{"type":"presence","room":"general","event":"join","user":"alice","users":["alice"]}`)
	bob.Send(`{"type":"subscribe","room":"general"}`)
	bob.Expect(
		`{"type":"subscribed","room":"general","users":["alice","böb"]}`,
		`{"type":"presence","room":"general","event":"join","user":"böb","users":["alice","böb"]}`)
	alice.Expect(`{"type":"presence","room":"general","event":"join","user":"böb","users":["alice","böb"]}`)

	want := `{"type":"message","room":"general","user":"alice","text":"hi \"\u00fc\"","at":` + at + `}`
	alice.Send(`{"type":"message","room":"general","text":"hi \"\u00fc\""}`)
	alice.Send(`{"type":"message","text":"hi \"\u00fc\""}`)
	alice.Expect(want, want)
	bob.Expect(want, want)

	bob.Send(`{"type":"subscribe","room":"den"}`)
	bob.Received()
	bob.Send(`{"type":"message","text":"psst"}`)
	bob.Expect(`{"type":"message","room":"den","user":"böb","text":"psst","at":` + at + `}`)
	bob.Send(`{"type":"unsubscribe","room":"den"}`)
	bob.Expect(`{"type":"unsubscribed","room":"den"}`)
	alice.Expect()

	bob.Close(1001, "")
	alice.Expect()
	host.Advance(2 * time.Second)
	alice.Expect(`{"type":"presence","room":"general","event":"leave","user":"böb","users":["alice"]}`)
}

func TestChatErrors(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/chat"})
	c := host.Connect("/chat")
	for message, want := range map[string]string{
		`{"type":"ping"}`:                    `{"type":"pong"}`,
		`{"type":"ping"`:                     `{"type":"error","code":"INVALID_JSON"}`,
		`["type"]`:                           `{"type":"error","code":"INVALID_JSON"}`,
		`{}`:                                 `{"type":"error","code":"UNKNOWN_TYPE"}`,
		`{"type":"dance"}`:                   `{"type":"error","code":"UNKNOWN_TYPE"}`,
		`{"type":7}`:                         `{"type":"error","code":"UNKNOWN_TYPE"}`,
		`{"type":"subscribe"}`:               `{"type":"error","code":"INVALID_NAME"}`,
		`{"type":"subscribe","room":"a\nb"}`: `{"type":"error","code":"INVALID_NAME"}`,
		`{"type":"unsubscribe","room":""}`:   `{"type":"error","code":"INVALID_NAME"}`,
		`{"type":"message","text":"hi"}`:     `{"type":"error","code":"NOT_SUBSCRIBED"}`,
		`{"type":"message","room":"other","text":"hi"}`: `{"type":"error","code":"NOT_SUBSCRIBED"}`,
		`{"type":"message","room":"other"}`:             `{"type":"error","code":"INVALID_MESSAGE"}`,
	} {
		c.Send(message)
		got := c.Received()
		if len(got) != 1 || got[0].String() != want {
			t.Errorf("%s: got %v, want %s", message, got, want)
		}
	}
	c.SendMessage(azu.Binary(`{"type":"ping"}`))
	c.Expect(`{"type":"error","code":"INVALID_JSON"}`)
}

func TestChatNames(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/chat"})
	user := func(c *azutest.Client) string {
		c.Send(`{"type":"subscribe","room":"r"}`)
		c.Received()
		c.Send(`{"type":"message","text":""}`)
		var name string
		for _, m := range c.Received() {
			_, after, _ := strings.Cut(m.String(), `"user":"`)
			name, _, _ = strings.Cut(after, `"`)
		}
		return name
	}
	host.Connect("/chat?name=guest-2")
	if got := user(host.Connect("/chat")) + user(host.Connect("/chat?name=%20")); got != "guest-1guest-3" {
		t.Errorf("guest names: %s", got)
	}
	for _, name := range []string{strings.Repeat("x", 65), "a%0Ab", "a%C2%85b"} {
		var refused *azutest.Refused
		_, err := host.Dial("/chat?name="+name, azutest.Request{})
		if !errors.As(err, &refused) || refused.Status != 400 {
			t.Errorf("the name %s: %v", name, err)
		}
	}
	// The host replaces bytes of a query that are not UTF-8.
	if got := user(host.Connect("/chat?name=%FF")); got != "\uFFFD" {
		t.Errorf("the name %%FF: %q", got)
	}
}

// TestChatLargeRoom: events of a large room have no list of users.
func TestChatLargeRoom(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/chat"})
	for i := range 201 {
		c := host.Connect(fmt.Sprintf("/chat?name=u%d", i))
		c.Send(`{"type":"subscribe","room":"r"}`)
		got := c.Received()
		if listed := strings.Contains(got[0].String(), `"users":[`); listed != (i < 200) {
			t.Errorf("the %d. got %s", i+1, got[0])
		}
	}
}
