package host

import "time"

// Clock is the time that channels live in: timers, presence, stored values,
// quarantines, and what plugins are told. Deadlines of hooks and timeouts of
// sockets are always the system's. Its methods may be called concurrently.
type Clock interface {
	Now() time.Time
	// Wait waits until d has passed, or wake has something, which it takes. ok
	// is false if stop was closed instead.
	Wait(d time.Duration, wake chan struct{}, stop <-chan struct{}) (ok bool)
}

// systemClock is the Clock that holds where none is set.
type systemClock struct{}

func (systemClock) Now() time.Time { return time.Now() }

func (systemClock) Wait(d time.Duration, wake chan struct{}, stop <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-wake:
	case <-stop:
		return false
	}
	return true
}

// now is the time of the host's channels.
func (h *Host) now() time.Time { return h.clock.Now() }
