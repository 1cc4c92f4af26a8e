package socket

import (
	"bytes"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

func TestPace(t *testing.T) {
	var p pace
	const rate, burst = 10, 5
	at := func(ms int64) bool { return p.take(ms*int64(time.Millisecond)+1, rate, burst) }
	for i := range burst {
		if !at(0) {
			t.Fatalf("message %d of a burst of %d is one too many", i+1, burst)
		}
	}
	if at(0) || at(99) {
		t.Error("more than a burst is taken")
	}
	if !at(100) || at(100) {
		t.Error("a tenth of a second later one more may come, and not two")
	}
	for i := range int64(1000) {
		if !at(200 + i*100) {
			t.Fatalf("message %d at the even rate is one too many", i)
		}
	}
	for range burst {
		if !at(1_000_000) {
			t.Fatal("a burst after a pause is not taken")
		}
	}
	if at(1_000_000) {
		t.Error("a pause saves up more than a burst")
	}
}

// TestMessageFlood: a client that sends too much is closed with 1008, gets the
// answers to what was in time, and is counted.
func TestMessageFlood(t *testing.T) {
	everyWay(t, func(t *testing.T, way string) {
		const burst = 20
		s := serve(t, way, serverOptions{opts: Options{MessageRate: 1, MessageBurst: burst}})
		c, h := s.dial(t)
		c.send(bytes.Repeat(masked(text, "x"), burst+1))
		for range burst {
			c.want(frame.OpText, "x")
		}
		c.wantClose(codePolicy)
		h.wantClosed(t, codePolicy)
		if n := s.group.Violations()[BrokeMessages]; n != 1 {
			t.Errorf("%d connections are counted as too fast", n)
		}
	})
}
