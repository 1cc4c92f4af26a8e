package plugin

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/tetratelabs/wazero"
)

// This file is the one place that knows how running time is bounded: what the
// compiler has to put into the code, and what happens before and after a call.

// meterConfig asks the compiler for the checks that m needs. With Fuel the
// code has its own (see meter.go).
//
// With Deadline the code asks at every loop header whether its module was
// closed. It asks nowhere else: deep trees of calls run on. For that reason
// tail calls, which make loops without a loop header, stay off.
func meterConfig(rc wazero.RuntimeConfig, m Metering) wazero.RuntimeConfig {
	return rc.WithCloseOnContextDone(m == Deadline)
}

// States of a watch besides the time at which a running call is due.
const (
	idle   = 0
	killed = -1 // the deadline of a call passed while it ran
	dead   = -2 // the instance is closed
)

// watch bounds the calls of one instance. Its timer is not set for each call:
// it runs on while calls come, and when it fires it looks at what is due. A
// call costs two atomic writes and one look at the clock.
//
// The state decides who wins at the end of a call: the timer takes it from
// due to killed, the call from due to idle, and only one of them can. So a
// timer that is late finds another due time, or none, and kills nothing.
type watch struct {
	epoch time.Time
	done  chan struct{} // closed when killed; nil: wazero is not asked to look
	state atomic.Int64  // idle, killed, dead, or when the call is due, after epoch
	armed atomic.Bool   // the timer is set, or its function is running
	timer *time.Timer

	// With Fuel nothing runs beside the call: its payments, and host functions
	// that wait, look at the time. Most hooks are done before the first look, so
	// the time that they have counts from there.
	fuel bool
	span time.Duration // of the running call
	due  time.Duration // after epoch; 0: nobody has looked
}

func newWatch(m Metering, epoch time.Time) *watch {
	w := &watch{epoch: epoch, fuel: m == Fuel}
	if m == Deadline {
		w.done = make(chan struct{})
		w.timer = time.AfterFunc(time.Hour, w.fire) // begin sets it
		w.timer.Stop()
	}
	return w
}

// begin starts to bound a call by d. It returns when the call is due.
func (w *watch) begin(d time.Duration) (due int64) {
	w.span, w.due = d, 0
	if w.done == nil {
		return 0
	}
	due = int64(time.Since(w.epoch) + d)
	w.state.Store(due)
	// The order matters: the state is written before armed is read, and fire
	// writes armed before it reads the state, so one of the two sees the other.
	if !w.armed.Load() && w.armed.CompareAndSwap(false, true) {
		w.timer.Reset(d)
	}
	return due
}

// end ends the call that begin started, and says whether it was in time. If
// not, the instance must not be called again.
func (w *watch) end(due int64) bool {
	return w.done == nil || w.state.CompareAndSwap(due, idle)
}

// rest disarms a timer that was set for long, so that the next call sets it
// anew. The watch must be idle.
func (w *watch) rest() {
	if w.timer != nil && w.timer.Stop() {
		w.armed.Store(false)
	}
}

// stop ends the watch for good. No call may be running.
func (w *watch) stop() {
	w.state.Store(dead)
	if w.timer != nil {
		w.timer.Stop()
	}
}

// fire is what the timer does.
func (w *watch) fire() {
	for {
		switch due := w.state.Load(); {
		case due == dead || due == killed:
			return
		case due == idle:
			w.armed.Store(false)
			if w.state.Load() == idle || !w.armed.CompareAndSwap(false, true) {
				return
			}
		default:
			left := time.Duration(due) - time.Since(w.epoch)
			if left > 0 {
				w.timer.Reset(left)
				return
			}
			if w.state.CompareAndSwap(due, killed) {
				close(w.done)
				return
			}
		}
	}
}

// err is what a context has to say about the call.
func (w *watch) err() error {
	if w.state.Load() == killed {
		return context.DeadlineExceeded
	}
	return nil
}

// left is the time that the running call has. ok is false where it is not bounded.
func (w *watch) left() (d time.Duration, ok bool) {
	if w.fuel {
		now := time.Since(w.epoch)
		if w.due == 0 {
			w.due = now + w.span
		}
		return max(0, w.due-now), true
	}
	if w.done == nil {
		return 0, false
	}
	due := w.state.Load()
	if due <= idle {
		return 0, true
	}
	return max(0, time.Duration(due)-time.Since(w.epoch)), true
}
