package broker

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Limits of the bytes in one round trip. A single message may exceed them.
const (
	minRoundBytes = 4 << 10
	maxRoundBytes = 1 << 20
)

// batchLimit is the number of bytes that one round trip may carry. It halves when a round trip is
// not answered in time and doubles when a large one is answered quickly, so that a slow link stays
// up. It may be used concurrently.
type batchLimit struct{ halvings atomic.Int32 }

func (l *batchLimit) bytes() int { return maxRoundBytes >> l.halvings.Load() }

// failed halves the limit after an error that broke the link. An error that Redis itself reports
// does not depend on the size, and is ignored.
func (l *batchLimit) failed(err error) {
	var re *rueidis.RedisError
	if !errors.As(err, &re) && l.bytes() > minRoundBytes {
		l.halvings.Add(1)
	}
}

// answered doubles the limit if a round trip carried at least half of it and took less than a
// quarter of the timeout.
func (l *batchLimit) answered(size int, took, timeout time.Duration) {
	if l.halvings.Load() > 0 && size >= l.bytes()/2 && took < timeout/4 {
		l.halvings.Add(-1)
	}
}
