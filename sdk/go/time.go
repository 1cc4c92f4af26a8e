package azu

import (
	"time"

	"github.com/azuhost/azuhost/sdk/go/internal/raw"
)

// Now is the host's time. In tests with azutest it moves when the test says
// so, which time.Now does not.
func Now() time.Time { return time.Unix(0, raw.Now()) }

// SetTimer has OnTimer called once with connection 0 and name, so long from
// now. The same name again sets the timer anew.
func SetTimer(name string, after time.Duration) error {
	return check(raw.TimerSet(0, name, milliseconds(after)))
}

// ClearTimer clears a timer of the channel. [ErrNotFound] if there is none of
// this name.
func ClearTimer(name string) error { return check(raw.TimerClear(0, name)) }

// milliseconds rounds up, so that a short time is not none.
func milliseconds(d time.Duration) int64 {
	if d <= 0 {
		return 0
	}
	return int64((d-1)/time.Millisecond) + 1
}
