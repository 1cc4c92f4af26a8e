package plugin

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
)

// deadlineConfig makes the compiler add the deadline checks of Metering Deadline. With Fuel the code has the checks of
// meter.go, and with Off it has none.
//
// With Deadline the code checks at every loop header whether its module was closed. There are no checks elsewhere: deep
// trees of calls run on. Tail calls make loops without a loop header, so they are off.
func deadlineConfig(rc wazero.RuntimeConfig, m Metering) wazero.RuntimeConfig {
	return rc.WithCloseOnContextDone(m == Deadline)
}

// Values of watchdog.state besides the time at which the running call is due.
const (
	stateIdle    = 0
	stateKilled  = -1 // the deadline of a call passed while it ran
	stateStopped = -2 // the instance is closed
)

// watchdog limits the time of the calls of one instance.
//
// With Metering Deadline it has a timer. The timer is not set for each call: it stays set while calls follow each
// other, and looks at the due time of the running call when it fires. A call costs two atomic writes and one read of
// the clock. state decides between the timer and the end of a call: the timer changes it from due to stateKilled, the
// end of the call changes it from due to stateIdle, and only one of them succeeds. A timer that fires late finds
// another due time, or none, and kills no call.
//
// With Metering Fuel no timer runs. The end of each slice of fuel, and host functions that wait, read the clock. Most
// hooks end before the first of these reads, so a call's time begins with that read.
type watchdog struct {
	epoch time.Time // start of all times in a watchdog

	// With Metering Deadline.
	done  chan struct{} // closed when a call is killed; nil with other meterings
	state atomic.Int64  // one of the constants above, or when the running call is due
	armed atomic.Bool   // the timer is set, or its function runs
	timer *time.Timer

	// With Metering Fuel. They belong to the goroutine of the running call.
	fuel     bool
	duration time.Duration // limit of the running call
	due      time.Duration // end of the running call; 0 before the first read of the clock
}

func newWatchdog(m Metering, epoch time.Time) *watchdog {
	w := &watchdog{epoch: epoch, fuel: m == Fuel}
	if m == Deadline {
		w.done = make(chan struct{})
		w.timer = time.AfterFunc(time.Hour, w.fire) // begin sets it
		w.timer.Stop()
	}
	return w
}

// begin limits the call that begins to d. It returns the argument for end.
func (w *watchdog) begin(d time.Duration) (due int64) {
	w.duration, w.due = d, 0
	if w.done == nil {
		return 0
	}
	due = int64(time.Since(w.epoch) + d)
	w.state.Store(due)
	// The order matters: begin writes state before it reads armed, and fire writes armed before it reads state. So at
	// least one of them sees the write of the other.
	if !w.armed.Load() && w.armed.CompareAndSwap(false, true) {
		w.timer.Reset(d)
	}
	return due
}

// end ends the call for which begin returned due. It returns false if the timer has killed the call: the instance must
// not be called again.
func (w *watchdog) end(due int64) bool {
	return w.done == nil || w.state.CompareAndSwap(due, stateIdle)
}

// disarm stops the timer after a call with a long limit, so that the next call sets the timer to its own limit. No call
// may run.
func (w *watchdog) disarm() {
	if w.timer != nil && w.timer.Stop() {
		w.armed.Store(false)
	}
}

// stop ends the watchdog. No call may run.
func (w *watchdog) stop() {
	w.state.Store(stateStopped)
	if w.timer != nil {
		w.timer.Stop()
	}
}

// fire is the function of the timer.
func (w *watchdog) fire() {
	for {
		switch due := w.state.Load(); due {
		case stateStopped, stateKilled:
			return
		case stateIdle:
			w.armed.Store(false)
			if w.state.Load() == stateIdle || !w.armed.CompareAndSwap(false, true) {
				return
			}
		default:
			left := time.Duration(due) - time.Since(w.epoch)
			if left > 0 {
				w.timer.Reset(left)
				return
			}
			if w.state.CompareAndSwap(due, stateKilled) {
				close(w.done)
				return
			}
		}
	}
}

// err is context.Context.Err for the running call.
func (w *watchdog) err() error {
	if w.state.Load() == stateKilled {
		return context.DeadlineExceeded
	}
	return nil
}

// remaining returns the time that the running call has left. It returns false with Metering Off, which has no limit.
func (w *watchdog) remaining() (d time.Duration, limited bool) {
	if w.fuel {
		now := time.Since(w.epoch)
		if w.due == 0 {
			w.due = now + w.duration
		}
		return max(0, w.due-now), true
	}
	if w.done == nil {
		return 0, false
	}
	due := w.state.Load()
	if due <= stateIdle {
		return 0, true
	}
	return max(0, time.Duration(due)-time.Since(w.epoch)), true
}
