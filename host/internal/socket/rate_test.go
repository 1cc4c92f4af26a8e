package socket

import (
	"bytes"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/frame"
)

func TestRateLimiter(t *testing.T) {
	var l rateLimiter
	const rate, burst = 10, 5
	at := func(ms int64) bool { return l.allow(ms*int64(time.Millisecond)+1, rate, burst) }
	for i := range burst {
		if !at(0) {
			t.Fatalf("message %d of a burst of %d is refused", i+1, burst)
		}
	}
	if at(0) || at(99) {
		t.Error("more than a burst is allowed")
	}
	if !at(100) || at(100) {
		t.Error("after 0.1 s not exactly one more message is allowed")
	}
	for i := range int64(1000) {
		if !at(200 + i*100) {
			t.Fatalf("message %d at the sustained rate is refused", i)
		}
	}
	for range burst {
		if !at(1_000_000) {
			t.Fatal("a burst after a pause is refused")
		}
	}
	if at(1_000_000) {
		t.Error("a pause allows more than a burst")
	}
}

// A client that exceeds the rate gets the answers to the messages before, is
// closed with 1008, and is counted.
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
			t.Errorf("%d connections counted, want 1", n)
		}
	})
}
