package broker

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Bounds of what one round trip carries, in bytes. One message goes always.
const (
	minRoundBytes = 4 << 10
	maxRoundBytes = 1 << 20
)

// pace is how many bytes a round trip may carry, so that it is answered in time: what is too
// much for a slow link would be too much again when the link is back.
type batchLimit struct{ halvings atomic.Int32 }

func (p *batchLimit) bytes() int { return maxRoundBytes >> p.halvings.Load() }

// broken says why a round trip broke the link. What Redis itself says has nothing to do with
// its size.
func (p *batchLimit) failed(err error) {
	var re *rueidis.RedisError
	if !errors.As(err, &re) && p.bytes() > minRoundBytes {
		p.halvings.Add(1)
	}
}

// answered says how long a round trip took. One that was full and quick lets the next be larger.
func (p *batchLimit) answered(size int, took, limit time.Duration) {
	if p.halvings.Load() > 0 && size >= p.bytes()/2 && took < limit/4 {
		p.halvings.Add(-1)
	}
}
