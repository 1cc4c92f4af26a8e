package broker

import (
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
	"go.uber.org/goleak"
)

// TestMain fails on leaked goroutines. The Redis client leaves some that sleep for up to a second, in a
// Redis Cluster for five, and then end.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m,
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"),
		goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*clusterClient)._refresh.func2"))
}

// eventually waits up to 20 s until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// textFrame returns a WebSocket frame with a text.
func textFrame(text string) []byte { return frame.Append(nil, abi.Text, []byte(text)) }

// textOf returns the text of a message's frame; "close" for a Close.
func textOf(m Message) string {
	if m.Close != nil {
		return "close"
	}
	f := m.Frame
	switch f[1] {
	case 126:
		return string(f[4:])
	case 127:
		return string(f[10:])
	}
	return string(f[2:])
}

// room returns a topic without a history.
func room(name string) Topic { return Topic{Route: "/rooms/:room", Kind: Room, Name: name} }

// historyRoom returns a topic with a history.
func historyRoom(name string) Topic {
	return Topic{Route: "/rooms/:room", Kind: Room, Name: name, Size: 100_000, TTL: time.Minute}
}
