package quarantine

import (
	"slices"
	"testing"
	"testing/synctest"
	"time"
)

const (
	testFaults = 3
	testWindow = 10 * time.Second
)

// faults counts n faults at once. It reports whether one of them began a quarantine.
func faults(b *Breaker, n int) (began bool) {
	for range n {
		b.Advance(time.Now(), testWindow)
		_, changed := b.Fault(time.Now(), testFaults, testWindow)
		began = began || changed
	}
	return began
}

// state returns the state at the current time. It checks that State returns the same before and after Advance.
func state(t *testing.T, b *Breaker) State {
	t.Helper()
	before, beforeUntil := b.State(time.Now(), testWindow)
	b.Advance(time.Now(), testWindow)
	after, afterUntil := b.State(time.Now(), testWindow)
	if before != after || !beforeUntil.Equal(afterUntil) {
		t.Fatalf("%s until %v before Advance, and %s until %v after", before, beforeUntil, after, afterUntil)
	}
	return after
}

// TestMoreFaultsThanAllowed checks that one fault more than allowed within the window begins a quarantine.
func TestMoreFaultsThanAllowed(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		if faults(&b, testFaults) || state(t, &b) != Serving {
			t.Error("quarantined by as many faults as are allowed")
		}
		time.Sleep(testWindow + 1)
		if faults(&b, testFaults) {
			t.Error("old faults count")
		}
		time.Sleep(testWindow - 1)
		if !faults(&b, 1) || state(t, &b) != Quarantined {
			t.Error("not quarantined by one fault more than allowed")
		}
	})
}

// TestRareFaults checks that faults below the allowed rate begin no quarantine, however many they are, and that few of
// their times are kept.
func TestRareFaults(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		for range 1000 {
			if faults(&b, 1) {
				t.Fatal("quarantined")
			}
			time.Sleep(testWindow/testFaults + 1)
		}
		if len(b.faults) != testFaults+1 {
			t.Errorf("%d times are kept", len(b.faults))
		}
	})
}

// TestQuarantineDoubles checks that each quarantine lasts twice as long as the one before, up to a minute, and that a
// probation without a fault resets the duration.
func TestQuarantineDoubles(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		faults(&b, testFaults+1)
		for _, want := range []time.Duration{1, 2, 4, 8, 16, 32, 60, 60} {
			if faults(&b, 100) { // open connections cause faults during a quarantine
				t.Error("a fault began a quarantine during a quarantine")
			}
			time.Sleep(want*time.Second - 1)
			if s := state(t, &b); s != Quarantined {
				t.Fatalf("%s shortly before %d s are over", s, want)
			}
			time.Sleep(time.Nanosecond)
			if s := state(t, &b); s != Probation {
				t.Fatalf("%s after %d s", s, want)
			}
			time.Sleep(testWindow - 1)
			if !faults(&b, 1) {
				t.Fatal("a fault on probation does not begin a quarantine")
			}
		}
		// A window without a fault resets the number of faults and the duration.
		time.Sleep(maxWait + testWindow)
		if s := state(t, &b); s != Serving {
			t.Errorf("%s after the probation", s)
		}
		if faults(&b, testFaults) || !faults(&b, 1) {
			t.Error("old faults count after the probation")
		}
		if _, until := b.State(time.Now(), testWindow); time.Until(until) != firstWait {
			t.Errorf("the next quarantine lasts %v", time.Until(until))
		}
	})
}

// TestStateChangesNothing checks that State returns the state of a time and leaves its changes to Advance.
func TestStateChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		faults(&b, testFaults+1)
		begun, before := time.Now(), b.phase
		for _, tc := range []struct {
			after time.Duration
			want  State
			until time.Duration
		}{
			{0, Quarantined, firstWait},
			{firstWait - 1, Quarantined, firstWait},
			{firstWait, Probation, firstWait + testWindow},
			{firstWait + testWindow - 1, Probation, firstWait + testWindow},
			{firstWait + testWindow, Serving, 0},
			{time.Hour, Serving, 0},
		} {
			s, until := b.State(begun.Add(tc.after), testWindow)
			var want time.Time
			if tc.until > 0 {
				want = begun.Add(tc.until)
			}
			if s != tc.want || !until.Equal(want) {
				t.Errorf("after %v: %s until %v", tc.after, s, until)
			}
		}
		if b.phase != before || b.wait != firstWait {
			t.Errorf("%+v became %+v", before, b.phase)
		}
		changes := b.Advance(begun.Add(time.Hour), testWindow)
		want := []Change{
			{To: Probation, Reason: "the quarantine is over"},
			{To: Serving, Reason: "no fault within 10s"},
		}
		if !slices.Equal(changes, want) {
			t.Errorf("changes %+v, want %+v", changes, want)
		}
	})
}

// TestLift checks that Lift ends a quarantine and forgets the faults.
func TestLift(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var b Breaker
		if _, ok := b.Lift("x"); ok {
			t.Error("Lift reports a change while the route serves")
		}
		faults(&b, testFaults+1)
		if c, ok := b.Lift("x"); !ok || c.To != Serving || c.Reason != "x" || state(t, &b) != Serving {
			t.Errorf("%+v", c)
		}
		if _, ok := b.Due(); ok {
			t.Error("a change is due")
		}
		if faults(&b, testFaults) {
			t.Error("faults from before count")
		}
	})
}
