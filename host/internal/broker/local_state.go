package broker

import (
	"hash/maphash"
	"time"
)

// stateBuckets is the number of buckets of a localState. A part of a state is that of some buckets,
// so a state can be sent part by part while it changes, without a copy.
const stateBuckets = 4096

// statePartSize is about how many entries one message has.
const statePartSize = 1000

// localState is the state of this node: who is present, and how many sockets each room has. For a
// while it keeps users who left without a report to any plugin, because another node was known to
// have them. If the user left that node while the two were cut off from each other, the leave is
// reported when they meet again. peers.mu guards it.
type localState struct {
	seed       maphash.Seed
	buckets    [stateBuckets]map[stateKey]localEntry
	unreported []unreportedLeave // the oldest first
}

type localEntry struct {
	Change
	at time.Time // of an unreported leave
}

type unreportedLeave struct {
	key stateKey
	at  time.Time
}

func newLocalState() *localState { return &localState{seed: maphash.MakeSeed()} }

func (s *localState) bucket(k stateKey) int { return int(maphash.Comparable(s.seed, k) % stateBuckets) }

// set applies a change.
func (s *localState) set(c Change) {
	k := c.key()
	i, entry := s.bucket(k), localEntry{Change: c}
	if c.isEmpty() {
		if c.User == "" || c.Reported {
			delete(s.buckets[i], k)
			return
		}
		entry.at = time.Now()
		s.unreported = append(s.unreported, unreportedLeave{k, entry.at})
	}
	if s.buckets[i] == nil {
		s.buckets[i] = map[stateKey]localEntry{}
	}
	s.buckets[i][k] = entry
}

// markReported drops an unreported leave, because it was reported to a plugin.
func (s *localState) markReported(k stateKey) {
	if i := s.bucket(k); s.buckets[i][k].isEmpty() {
		delete(s.buckets[i], k)
	}
}

// dropUnreportedBefore drops the unreported leaves before a time.
func (s *localState) dropUnreportedBefore(t time.Time) {
	n := 0
	for ; n < len(s.unreported) && s.unreported[n].at.Before(t); n++ {
		if u := s.unreported[n]; s.buckets[s.bucket(u.key)][u.key].at.Equal(u.at) {
			s.markReported(u.key)
		}
	}
	s.unreported = s.unreported[n:]
}

// part returns the entries of the state from a bucket on, about statePartSize of them, and the first
// bucket of the next part; 0: there is none.
func (s *localState) part(from int) (changes []Change, next int) {
	for i := max(from, 0); i < stateBuckets; i++ {
		if len(changes) >= statePartSize {
			return changes, i
		}
		for _, e := range s.buckets[i] {
			changes = append(changes, e.Change)
		}
	}
	return changes, 0
}
