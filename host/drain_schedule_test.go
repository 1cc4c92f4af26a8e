package host

import (
	"context"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// closeTimes runs a closeSchedule of n connections in fake time. It returns when each connection was closed, since the
// start.
func closeTimes(ctx context.Context, n int, spread time.Duration, random func() float64) []time.Duration {
	var at []time.Duration
	s := newCloseSchedule(make([]*conn, n), spread, random)
	s.run(ctx, func(*conn) { at = append(at, time.Since(s.start)) })
	return at
}

// TestCloseScheduleIsEven checks that the first connection is closed at once, and each other one within its own
// interval.
func TestCloseScheduleIsEven(t *testing.T) {
	for _, random := range []func() float64{
		func() float64 { return 0 }, func() float64 { return 0.999 }, rand.New(rand.NewPCG(1, 2)).Float64,
	} {
		synctest.Test(t, func(t *testing.T) {
			const spread = 10 * time.Second
			at := closeTimes(t.Context(), 1001, spread, random)
			if len(at) != 1001 || at[0] != 0 {
				t.Fatalf("%d connections are closed, the first one at %v", len(at), at[0])
			}
			interval := spread / 1000
			for i, d := range at[1:] {
				from := time.Duration(i) * interval
				if d < from || d >= from+interval {
					t.Fatalf("connection %d is closed at %v, not within %v of %v", i+1, d, interval, from)
				}
			}
		})
	}
}

// TestCloseScheduleAtOnce checks schedules of no connections, of one, and without a spread. They close at once.
func TestCloseScheduleAtOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			n      int
			spread time.Duration
		}{{0, time.Hour}, {1, time.Hour}, {100, 0}} {
			if at := closeTimes(t.Context(), c.n, c.spread, rand.Float64); len(at) != c.n || c.n > 0 && at[c.n-1] != 0 {
				t.Errorf("%d connections over %v are closed at %v", c.n, c.spread, at)
			}
		}
	})
}

// TestCloseScheduleCanceled checks that the remaining connections are closed at once when the context is done.
func TestCloseScheduleCanceled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		at := closeTimes(ctx, 101, 10*time.Second, rand.Float64)
		if len(at) != 101 || at[100] != 5*time.Second || at[49] >= 5*time.Second {
			t.Errorf("connections are closed at %v", at)
		}
	})
}

// TestSpreadWithin checks that the spread is at most half of the time until the deadline.
func TestSpreadWithin(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		for _, c := range []struct {
			spread, deadline, want time.Duration
		}{
			{0, 0, 10 * time.Second},
			{0, 30 * time.Second, 10 * time.Second},
			{0, 4 * time.Second, 2 * time.Second},
			{time.Minute, 30 * time.Second, 15 * time.Second},
			{-1, 30 * time.Second, 0},
			{time.Second, -time.Second, 0},
		} {
			ctx := t.Context()
			if c.deadline != 0 {
				var cancel context.CancelFunc
				ctx, cancel = context.WithTimeout(ctx, c.deadline)
				defer cancel()
			}
			o := Options{Drain: DrainOptions{Spread: c.spread}}.withDefaults()
			if got := o.Drain.spreadWithin(ctx); got != c.want {
				t.Errorf("spread %v with %v left is %v, want %v", c.spread, c.deadline, got, c.want)
			}
		}
	})
}

// TestReasonsFit checks that close reasons have at most 123 bytes (RFC 6455, section 5.5), and the label of the code
// 3001.
func TestReasonsFit(t *testing.T) {
	if r := reconnectReason(1234 * time.Millisecond); r != "reconnect in 1234 ms" {
		t.Error(r)
	}
	if n := len(reconnectReason(1<<63 - 1)); n+len(`{"reconnect_after_ms":}`) > 123 {
		t.Errorf("%d bytes", n)
	}
	if codeLabel(closeDrainV1) != "3001" || !strings.HasSuffix(codeLabel(3002), "xxx") {
		t.Error("3001 has no label of its own, or others have")
	}
}
