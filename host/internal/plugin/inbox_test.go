package plugin

import (
	"fmt"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host/abi"
)

// TestInboxOverflow: a guest can read an event that does not fit into its inbox.
func TestInboxOverflow(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "pull"))
	for _, n := range []int{0, 1, 7, 8, 9, 10, 64, 5000} {
		text := strings.Repeat("abcdefg", n/7+1)[:n]
		env := &fakeEnv{}
		if err := message(p, env, text); err != nil {
			t.Fatal(err)
		}
		if want := fmt.Sprintf("Send 7 text %q", text); env.log() != want {
			t.Errorf("%d bytes: got %.80s", n, env.log())
		}
	}
}

// TestInboxIsNotOverrun: an event that does not fit into the inbox leaves the guest's memory unchanged.
func TestInboxIsNotOverrun(t *testing.T) {
	p := newPlugin(t, Options{}, guest(t, "pull"))
	v, inst, err := p.acquire(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer p.release(v, inst)
	const inbox = 16 // 8 bytes
	inst.call.mem.Write(inbox-4, []byte("left0000000right"))
	if err := inst.run(&Event{Hook: abi.OnMessage, Data: []byte("123456789"), Arg: 1}, &fakeEnv{}); err != nil {
		t.Fatal(err)
	}
	if b, _ := inst.call.mem.Read(inbox-4, 16); string(b) != "left0000000right" {
		t.Errorf("the memory is %q", b)
	}
	if err := inst.run(&Event{Hook: abi.OnMessage, Data: []byte("12345678"), Arg: 1}, &fakeEnv{}); err != nil {
		t.Fatal(err)
	}
	if b, _ := inst.call.mem.Read(inbox-4, 16); string(b) != "left12345678ight" {
		t.Errorf("the memory is %q", b)
	}
}
