package azu

import (
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// Now returns the host's time. In tests with azutest, the test advances it.
func Now() time.Time { return time.Unix(0, raw.Now()) }

// SetTimer sets a timer of the channel: OnTimer is called once, with connection 0 and name, after the time after. A
// timer of the same name is replaced.
func SetTimer(name string, after time.Duration) error {
	return check(raw.TimerSet(0, name, milliseconds(after)))
}

// ClearTimer clears a timer of the channel. It returns [ErrNotFound] if there is none of this name.
func ClearTimer(name string) error { return check(raw.TimerClear(0, name)) }

// milliseconds rounds d up, so that a short time does not become 0. A negative d becomes 0.
func milliseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}
