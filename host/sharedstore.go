package host

import (
	"context"
	"errors"

	"github.com/azuhost/azuhost/host/internal/broker"
	"github.com/azuhost/azuhost/host/internal/store"
)

// sharedStore is the store of a route in the Redis of the broker. It implements store.Shared.
type sharedStore struct {
	broker *broker.Broker
	route  string
}

// sharedStore returns the store that the nodes share for a route; nil: each node has its own.
func (h *Host) sharedStore(r Route) store.Shared {
	if h.broker == nil || r.Store != StoreShared {
		return nil
	}
	return &sharedStore{h.broker, r.Path}
}

// Get implements store.Shared.
func (s *sharedStore) Get(ctx context.Context, key string) (store.Value, bool, error) {
	v, err := s.broker.Value(ctx, s.route, key)
	if errors.Is(err, broker.ErrNoValue) {
		return store.Value{}, false, nil
	}
	return store.Value{Data: v.Value, Expires: v.Expires}, err == nil, err
}

// Lock implements store.Shared.
func (s *sharedStore) Lock(ctx context.Context) (string, error) { return s.broker.Lock(ctx, s.route) }

// Unlock implements store.Shared.
func (s *sharedStore) Unlock(lock string) { s.broker.Unlock(s.route, lock) }

// Write implements store.Shared.
func (s *sharedStore) Write(ctx context.Context, lock string, changes []store.Change) error {
	values := make([]broker.Value, len(changes))
	for i, c := range changes {
		values[i] = broker.Value{
			Key: c.Key, Value: c.Value.Data, Expires: c.Value.Expires, TTL: c.Value.TTL, Set: !c.Delete,
		}
	}
	return s.broker.Write(ctx, s.route, lock, values)
}
