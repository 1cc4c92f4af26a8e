package broker

import (
	"context"
	"errors"

	"github.com/azuhost/azuhost/host/internal/store"
)

// routeStore is the store of a route in Redis, one for all nodes. It implements
// store.Shared.
type routeStore struct {
	broker *Broker
	route  string
}

// Store returns the store of a route that all nodes share.
func (b *Broker) Store(route string) store.Shared { return &routeStore{b, route} }

// Get implements store.Shared.
func (s *routeStore) Get(ctx context.Context, key string) (store.Value, bool, error) {
	v, err := s.broker.Value(ctx, s.route, key)
	if errors.Is(err, errNoValue) {
		return store.Value{}, false, nil
	}
	return store.Value{Data: v.Value, Expires: v.Expires}, err == nil, err
}

// Lock implements store.Shared.
func (s *routeStore) Lock(ctx context.Context) (string, error) { return s.broker.Lock(ctx, s.route) }

// Unlock implements store.Shared.
func (s *routeStore) Unlock(lock string) { s.broker.Unlock(s.route, lock) }

// Write implements store.Shared.
func (s *routeStore) Write(ctx context.Context, lock string, changes []store.Change) error {
	values := make([]Value, len(changes))
	for i, c := range changes {
		values[i] = Value{
			Key: c.Key, Value: c.Value.Data, Expires: c.Value.Expires, TTL: c.Value.TTL, Set: !c.Delete,
		}
	}
	return s.broker.Write(ctx, s.route, lock, values)
}
