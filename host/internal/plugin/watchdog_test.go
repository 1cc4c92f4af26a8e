package plugin

import (
	"context"
	"sync"
	"testing"
	"time"
)

// TestWatchdogKillsALateCall: the timer kills a call that passes its deadline.
func TestWatchdogKillsALateCall(t *testing.T) {
	w := newWatchdog(Deadline, time.Now())
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

// TestWatchdogSparesLaterCalls: a timer that was set for an earlier call does not kill a later one.
func TestWatchdogSparesLaterCalls(t *testing.T) {
	w := newWatchdog(Deadline, time.Now())
	defer w.stop()
	if !w.end(w.begin(5 * time.Millisecond)) { // sets the timer
		t.Fatal("late at once")
	}
	due := w.begin(time.Hour)
	for range 3 {
		w.fire() // as a late timer does
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

// TestWatchdogAfterStart: a short deadline after a long one is in force.
func TestWatchdogAfterStart(t *testing.T) {
	w := newWatchdog(Deadline, time.Now())
	defer w.stop()
	w.end(w.begin(time.Hour))
	w.disarm()
	due := w.begin(time.Millisecond)
	<-w.done
	if w.end(due) {
		t.Error("a late call was in time")
	}
}

// TestWatchdogRace: either the end of a call or its timer wins, and the done channel shows which.
func TestWatchdogRace(t *testing.T) {
	for range 300 {
		w := newWatchdog(Deadline, time.Now())
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

func TestWatchdogOff(t *testing.T) {
	w := newWatchdog(Off, time.Now())
	due := w.begin(1)
	if w.done != nil || !w.end(due) {
		t.Error("with Off a call passed its deadline")
	}
	if _, limited := w.remaining(); limited {
		t.Error("with Off a call has a limit")
	}
	w.disarm()
	w.stop()
}
