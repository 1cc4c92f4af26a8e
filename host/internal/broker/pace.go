package broker

import (
	"errors"
	"sync/atomic"
	"time"

	"github.com/redis/rueidis"
)

// Bounds of what one round trip carries, in bytes. One message goes always.
const (
	leastRound = 4 << 10
	mostRound  = 1 << 20
)

// pace is how many bytes a round trip may carry, so that it is answered in time: what is too
// much for a slow link would be too much again when the link is back.
type pace struct{ halved atomic.Int32 }

func (p *pace) bytes() int { return mostRound >> p.halved.Load() }

// broken says why a round trip broke the link. What Redis itself says has nothing to do with
// its size.
func (p *pace) broken(err error) {
	var re *rueidis.RedisError
	if !errors.As(err, &re) && p.bytes() > leastRound {
		p.halved.Add(1)
	}
}

// answered says how long a round trip took. One that was full and quick lets the next be larger.
func (p *pace) answered(size int, took, limit time.Duration) {
	if p.halved.Load() > 0 && size >= p.bytes()/2 && took < limit/4 {
		p.halved.Add(-1)
	}
}
