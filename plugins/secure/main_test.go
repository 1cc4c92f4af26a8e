package main

import (
	"testing"

	"github.com/azuhost/azuhost/sdk/go/azutest"
)

const config = `{"tokens":{"secret-a":"alice","secret-b":"bob"}}`

func TestSecure(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/secure", Config: config})
	alice := host.Connect("/secure?token=secret-a")
	alice.Expect(`{"type":"authenticated","user":"alice"}`)
	alice.Send(`{"type":"message","text":"hi"}`)
	alice.Send(`{"type":"ping"}`)
	alice.Send(`{"type":"message"}`)
	alice.Send(`{"type":"?"}`)
	alice.Send(`?`)
	alice.Expect(
		`{"type":"message","user":"alice","text":"hi"}`,
		`{"type":"pong"}`,
		`{"type":"error","code":"INVALID_MESSAGE"}`,
		`{"type":"error","code":"UNKNOWN_TYPE"}`,
		`{"type":"error","code":"INVALID_JSON"}`)
	host.Connect("/secure?token=secret-b").Expect(`{"type":"authenticated","user":"bob"}`)

	for _, query := range []string{"", "?token=", "?token=secret-", "?token=secret-c", "?token=secret-aa"} {
		c := host.Connect("/secure" + query)
		c.Expect(`{"type":"error","message":"Unauthorized"}`)
		if code, _, closed := c.Closed(); code != 3000 || !closed {
			t.Errorf("%q: closed %v with %d", query, closed, code)
		}
	}
}

func TestSecureConfig(t *testing.T) {
	for _, config := range []string{
		``, `{}`, `{"tokens":{}}`, `{"tokens":{"":"alice"}}`, `{"tokens":{"a":""}}`, `{"tokens":{"a":1}}`, `x`,
	} {
		if _, err := azutest.Load(t, azutest.Options{Config: config}); err == nil {
			t.Errorf("%q is accepted", config)
		}
	}
}
