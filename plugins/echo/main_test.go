package main

import (
	"reflect"
	"testing"

	azu "github.com/azuhost/azuhost/sdk/go"
	"github.com/azuhost/azuhost/sdk/go/azutest"
)

func TestEcho(t *testing.T) {
	host := azutest.New(t, azutest.Options{Path: "/echo"})
	alice, bob := host.Connect("/echo"), host.Connect("/echo")
	alice.Send("hello")
	alice.Send(`{"type":"ping"}`)
	alice.Expect("hello", `{"type":"ping"}`)
	alice.SendMessage(azu.Binary("\x00\xff"))
	if got := alice.Received(); !reflect.DeepEqual(got, []azu.Message{azu.Binary("\x00\xff")}) {
		t.Errorf("got %v", got)
	}
	bob.Expect()
}
