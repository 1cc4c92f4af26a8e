package plugin

import (
	"context"
	"sync"
	"testing"
	"time"
)

func TestWatchKillsTheCallThatIsLate(t *testing.T) {
	w := newWatch(Deadline, time.Now())
	defer w.stop()
	due := w.begin(time.Millisecond)
	<-w.done
	if w.err() != context.DeadlineExceeded {
		t.Error("killed, and no error")
	}
	if w.end(due) {
		t.Error("a late call was in time")
	}
}

// A timer that was set for an earlier call fires during a later one, and must
// leave it alone.
func TestWatchSparesLaterCalls(t *testing.T) {
	w := newWatch(Deadline, time.Now())
	defer w.stop()
	if !w.end(w.begin(5 * time.Millisecond)) { // sets the timer
		t.Fatal("late at once")
	}
	due := w.begin(time.Hour)
	for range 3 {
		w.fire() // what a late timer does, at the worst moments
	}
	select {
	case <-w.done:
		t.Fatal("a later call was killed")
	default:
	}
	if !w.end(due) {
		t.Error("a call within its hour was late")
	}
}

// After a long deadline a short one has to hold as well.
func TestWatchRestsAfterStart(t *testing.T) {
	w := newWatch(Deadline, time.Now())
	defer w.stop()
	w.end(w.begin(time.Hour))
	w.rest()
	due := w.begin(time.Millisecond)
	<-w.done
	if w.end(due) {
		t.Error("a late call was in time")
	}
}

// The race of a call's end against its timer has one winner, and it is the
// one that the done channel agrees with.
func TestWatchRace(t *testing.T) {
	for range 300 {
		w := newWatch(Deadline, time.Now())
		var due int64
		var wg sync.WaitGroup
		due = w.begin(time.Microsecond)
		for time.Since(w.epoch) < time.Duration(due) {
		}
		inTime := w.end(due)
		wg.Go(w.fire)
		wg.Wait()
		select {
		case <-w.done:
			if inTime {
				t.Fatal("killed and in time")
			}
		default:
			if !inTime {
				t.Fatal("late, and not killed")
			}
		}
		w.stop()
	}
}

func TestWatchOff(t *testing.T) {
	w := newWatch(Off, time.Now())
	due := w.begin(1)
	if w.done != nil || !w.end(due) {
		t.Error("Off bounds something")
	}
	if _, bounded := w.left(); bounded {
		t.Error("Off bounds something")
	}
	w.rest()
	w.stop()
}
