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
type owned struct {
	seed    maphash.Seed
	buckets [stateBuckets]map[stateKey]ownChange
	untold  []untold // the oldest first
}

type ownChange struct {
	Change
	at time.Time // of one who has left
}

type untold struct {
	key stateKey
	at  time.Time
}

func newOwned() *owned { return &owned{seed: maphash.MakeSeed()} }

func (o *owned) bucket(k stateKey) int { return int(maphash.Comparable(o.seed, k) % stateBuckets) }

// put has a change take effect.
func (o *owned) put(c Change) {
	k := c.key()
	i, own := o.bucket(k), ownChange{Change: c}
	if c.void() {
		if c.User == "" || c.Told {
			delete(o.buckets[i], k)
			return
		}
		own.at = time.Now()
		o.untold = append(o.untold, untold{k, own.at})
	}
	if o.buckets[i] == nil {
		o.buckets[i] = map[stateKey]ownChange{}
	}
	o.buckets[i][k] = own
}

// told says that a plugin was told by now that a user has left.
func (o *owned) told(k stateKey) {
	if i := o.bucket(k); o.buckets[i][k].void() {
		delete(o.buckets[i], k)
	}
}

// forget forgets who has left before a time.
func (o *owned) forget(before time.Time) {
	n := 0
	for ; n < len(o.untold) && o.untold[n].at.Before(before); n++ {
		if u := o.untold[n]; o.buckets[o.bucket(u.key)][u.key].at.Equal(u.at) {
			o.told(u.key)
		}
	}
	o.untold = o.untold[n:]
}

// part gives the state from a bucket on, about statePart entries of it, and the bucket that
// the next part begins with. 0: it is the last.
func (o *owned) part(from int) (changes []Change, next int) {
	for i := max(from, 0); i < stateBuckets; i++ {
		if len(changes) >= statePart {
			return changes, i
		}
		for _, c := range o.buckets[i] {
			changes = append(changes, c.Change)
		}
	}
	return changes, 0
}
