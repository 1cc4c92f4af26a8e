package broker

import (
	"hash/maphash"
	"time"
)

// stateBuckets is into how many buckets a state is sorted. A part of a state is that of some
// of them: so it is told part by part, while it changes, and nothing has to be kept for that.
const stateBuckets = 4096

// owned is the state of this node: what is here, and for a while who has left without any plugin being told,
// since the user was known to be on another node. If that one was cut off then, and the user left it, too, it
// is told when they meet again.
type localState struct {
	seed       maphash.Seed
	buckets    [stateBuckets]map[stateKey]localEntry
	unreported []unreportedLeave // the oldest first
}

type localEntry struct {
	Change
	at time.Time // of one who has left
}

type unreportedLeave struct {
	key stateKey
	at  time.Time
}

func newLocalState() *localState { return &localState{seed: maphash.MakeSeed()} }

func (o *localState) bucket(k stateKey) int { return int(maphash.Comparable(o.seed, k) % stateBuckets) }

// put has a change take effect.
func (o *localState) set(c Change) {
	k := c.key()
	i, own := o.bucket(k), localEntry{Change: c}
	if c.isEmpty() {
		if c.User == "" || c.Reported {
			delete(o.buckets[i], k)
			return
		}
		own.at = time.Now()
		o.unreported = append(o.unreported, unreportedLeave{k, own.at})
	}
	if o.buckets[i] == nil {
		o.buckets[i] = map[stateKey]localEntry{}
	}
	o.buckets[i][k] = own
}

// told says that a plugin was told by now that a user has left.
func (o *localState) markReported(k stateKey) {
	if i := o.bucket(k); o.buckets[i][k].isEmpty() {
		delete(o.buckets[i], k)
	}
}

// forget forgets who has left before a time.
func (o *localState) dropUnreportedBefore(before time.Time) {
	n := 0
	for ; n < len(o.unreported) && o.unreported[n].at.Before(before); n++ {
		if u := o.unreported[n]; o.buckets[o.bucket(u.key)][u.key].at.Equal(u.at) {
			o.markReported(u.key)
		}
	}
	o.unreported = o.unreported[n:]
}

// part gives the state from a bucket on, about statePart entries of it, and the bucket that
// the next part begins with. 0: it is the last.
func (o *localState) part(from int) (changes []Change, next int) {
	for i := max(from, 0); i < stateBuckets; i++ {
		if len(changes) >= statePartSize {
			return changes, i
		}
		for _, c := range o.buckets[i] {
			changes = append(changes, c.Change)
		}
	}
	return changes, 0
}
