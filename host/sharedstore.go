package host

import (
	"context"
	"errors"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/broker"
)

// sharedStore keeps the values of a channel in Redis, for all nodes. One
// transaction at a time has the lock of the channel, whatever node it is on; what it writes
// and the end of the lock are one step, which fails when the lock was lost.
type sharedStore struct {
	b     *broker.Broker
	route string
}

// sharedStoreOf is the store of a route where the nodes share it; nil: each has its own.
func sharedStoreOf(h *Host, r Route) *sharedStore {
	if h.broker == nil || r.Store != StoreShared {
		return nil
	}
	return &sharedStore{h.broker, r.Path}
}

func (s *sharedStore) read(key string, wait time.Duration) (stored, bool, error) {
	if wait <= 0 {
		return stored{}, false, abi.Timeout
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	v, err := s.b.Value(ctx, s.route, key)
	if errors.Is(err, broker.ErrNoValue) {
		return stored{}, false, nil
	}
	if err != nil {
		return stored{}, false, waited(err)
	}
	return stored{value: v.Value, expires: v.Expires}, true, nil
}

// waited is the number for a store that did not answer.
func waited(err error) error {
	if errors.Is(err, context.DeadlineExceeded) {
		return abi.Timeout
	}
	return abi.Unavailable
}

func (s *sharedStore) lock(wait time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	lock, err := s.b.Lock(ctx, s.route)
	if err != nil {
		return "", waited(err)
	}
	return lock, nil
}

func (s *sharedStore) unlock(lock string) { s.b.Unlock(s.route, lock) }

// write writes the values of keys; nil: deleted. It waits at most so long.
func (s *sharedStore) write(lock string, keys []string, values map[string]*stored, wait time.Duration) error {
	changes := make([]broker.Value, len(keys))
	for i, k := range keys {
		changes[i].Key = k
		if v := values[k]; v != nil {
			changes[i].Value, changes[i].Set = v.value, true
			if changes[i].TTL = v.ttl; v.ttl == 0 {
				changes[i].Expires = v.expires
			}
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), wait)
	defer cancel()
	return s.b.Write(ctx, s.route, lock, changes)
}
