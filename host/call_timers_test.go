package host

import (
	"context"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/internal/hub"
)

// TestLastTimerCallCounts checks that a hook sets each timer as its last call says. A timer that it clears is not set
// in between, although it is due at once.
func TestLastTimerCallCounts(t *testing.T) {
	h, err := New(Options{Routes: []Route{{Path: "/c", Channel: &Funcs{}}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = h.Close(context.Background()) }()
	set := h.runtime("/c").settings.Load()
	rt := newRouteRuntime(h, set) // without a background loop, which would fire the timers
	k := &call{rt: rt, set: set, outbox: &hub.Outbox{Hub: rt.hub}}
	for _, err := range []error{
		k.TimerSet(0, []byte("never"), 0), k.TimerClear(0, []byte("never")),
		k.TimerSet(0, []byte("later"), 0), k.TimerSet(0, []byte("later"), time.Hour),
	} {
		if err != nil {
			t.Fatal(err)
		}
	}
	var due time.Time
	for i := range k.effects {
		k.apply(i, &k.effects[i])
		if at, ok := rt.timers.Next(); ok {
			due = at
			if time.Until(at) < time.Minute {
				t.Error("a timer is due that a later call of the hook has changed")
			}
		}
	}
	if due.IsZero() || rt.timers.Len() != 1 {
		t.Errorf("%d timers are set, want 1", rt.timers.Len())
	}
}

// stillClock is a clock that stands still.
type stillClock struct{ systemClock }

func (stillClock) Now() time.Time { return time.Unix(1, 0) }

// TestTimerSetsItself checks that a timer that sets itself again with a delay of 0 is due a millisecond later. A round
// would not end otherwise, if the clock stands still.
func TestTimerSetsItself(t *testing.T) {
	n := 0
	rt := newTestRuntime(stillClock{}, &Funcs{OnTimer: func(env Env, _ ConnID, name string) error {
		if n++; n > 10 {
			return nil // ends the round of a test that has failed
		}
		return env.TimerSet(0, name, 0)
	}})
	rt.setTimer(nil, "again", 0)
	now := rt.host.clock.Now()
	rt.timerEvents(&hub.Outbox{Hub: rt.hub}, now)
	at, ok := rt.timers.Next()
	if n != 1 || !ok || at.Sub(now) != time.Millisecond {
		t.Errorf("the timer has fired %d times and is due in %v", n, at.Sub(now))
	}
}

// TestTimerEndsWithConnection checks that on_timer does not run for a connection that has ended, also if the timer was
// due and its hook waited for another one.
func TestTimerEndsWithConnection(t *testing.T) {
	n := 0
	f := onTimerAndPresence(func() { n++ })
	rt := newTestRuntime(nil, f)
	c := addUser(rt, 1)
	f.mu.Lock() // another hook runs
	rt.setTimer(c, "t", 0)
	done := make(chan struct{})
	go func() {
		rt.timerEvents(&hub.Outbox{Hub: rt.hub}, time.Now())
		close(done)
	}()
	for fired := false; !fired; time.Sleep(time.Millisecond) {
		c.timerMu.Lock()
		fired = len(c.timers) == 0
		c.timerMu.Unlock()
	}
	rt.hub.Remove(&c.member)
	f.mu.Unlock()
	<-done
	if n != 0 {
		t.Error("on_timer ran for a connection that has ended")
	}
}
