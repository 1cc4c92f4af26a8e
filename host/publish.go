package host

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/idempotency"
)

// ErrHookFailed is the error of a publication whose on_publish failed without a
// refusal.
var ErrHookFailed = errors.New("on_publish failed")

// ErrKeyReused is the error for the key of another publication.
var ErrKeyReused = idempotency.ErrReused

// ErrKeySpent is the error of a publication with a key that failed after a part of it
// was sent. The key gives the same answer for 5 minutes. The rest needs another key, so
// that no client receives the message twice.
var ErrKeySpent = errors.New("a part was sent, and the key is spent: send the rest with another key")

// KeySpentError wraps ErrKeySpent and the failure of the publication.
type KeySpentError struct {
	Err error // the failure
}

func (e *KeySpentError) Error() string { return ErrKeySpent.Error() + ": " + e.Err.Error() }

// Unwrap returns ErrKeySpent and the failure.
func (e *KeySpentError) Unwrap() []error { return []error{ErrKeySpent, e.Err} }

// RefusedError is the error of a publication that on_publish has refused.
type RefusedError struct {
	Route  string
	Status int    // 400 to 599
	Text   string // of the hook; may be empty
}

func (e *RefusedError) Error() string {
	s := fmt.Sprintf("route %s: on_publish refused with %d", e.Route, e.Status)
	if e.Text != "" {
		s += ": " + e.Text
	}
	return s
}

// maxUsers bounds the users of one publication.
const maxUsers = 10_000

// Publication is a message that does not come from a channel. Exactly one of Room,
// Users and All is set.
type Publication struct {
	// Route is the path of a route, as in Options.Routes. Empty, with Users or All:
	// every route.
	Route string `json:"route,omitempty"`

	// Room sends to the members of a room. A room may have no members.
	Room string `json:"room,omitempty"`
	// Users sends to the connections of at most 10,000 users. A user may have no
	// connections.
	Users []string `json:"users,omitempty"`
	// All sends to all connections.
	All bool `json:"all,omitempty"`

	// Kind is the kind of the message. 0: abi.Text.
	Kind abi.Kind `json:"kind,omitempty"`
	// Data is the message. It has at most Limits.HookBytes of the route, and is UTF-8
	// if Kind is abi.Text.
	Data []byte `json:"data,omitempty"`

	// Key makes the publication idempotent. The first Delivery is returned again for
	// the same key, within 5 minutes and the last 10,000 keys of this node. A
	// publication that failed may be tried again with its key, unless the error wraps
	// ErrKeySpent. A key is a name of 1 to 255 bytes. Empty: none.
	Key string `json:"key,omitempty"`
}

// Delivery is the result of a publication or a disconnection.
type Delivery struct {
	// Sockets is the number of connections that it was addressed to. A connection may
	// end, or be too slow, before it receives the message.
	Sockets int `json:"sockets"`
	// Nodes is the number of nodes of these connections.
	Nodes int `json:"nodes"`
	// Partial reports that some nodes have not answered, or are not linked to this one
	// now. A route with a history delivers the message to them later.
	Partial bool `json:"partial,omitempty"`
	// Duplicate reports that the key was known. Nothing was sent.
	Duplicate bool `json:"duplicate,omitempty"`
	// Epoch and Offset are the position of the message in the history of its room. 0:
	// it has none.
	Epoch  string `json:"epoch,omitempty"`
	Offset uint64 `json:"offset,omitempty"`
}

// Publish sends a message to a room, to users or to all connections. It takes effect
// at once; a channel in Go uses its Env instead.
//
// If the channel handles on_publish, the hook runs instead, and Delivery counts what
// the hook sends. For several users it runs once for each. It does not run for the
// remaining users after a fault.
//
// Errors wrap [ErrUnknownRoute], [abi.Invalid] or [abi.Limit] for an invalid
// publication, [ErrKeyReused], [ErrKeySpent], *[RefusedError], [ErrHookFailed], or
// [abi.Unavailable] while the channel cannot be asked. A message for several routes or
// users is sent to the others if some fail: Delivery counts those, and the error joins
// the first failures.
func (h *Host) Publish(ctx context.Context, p Publication) (d Delivery, err error) {
	defer func() { h.metrics.countPublication(p, d, err) }()
	if p.Kind == 0 {
		p.Kind = abi.Text
	}
	routes, err := h.validatePublication(p)
	if err != nil {
		return Delivery{}, err
	}
	if h.closed.Load() {
		return Delivery{}, fmt.Errorf("the host is closing: %w", abi.Unavailable)
	}
	if p.Key == "" {
		return publish(ctx, routes, p)
	}
	d, duplicate, err := h.keys.Do(ctx, p.Key, p.hash(), func() (Delivery, bool, error) {
		d, err := publish(ctx, routes, p)
		if err != nil && d.Sockets > 0 {
			return d, true, &KeySpentError{err}
		}
		return d, err == nil, err
	})
	d.Duplicate = duplicate
	return d, err
}

// hash returns a hash of all fields but the key.
func (p Publication) hash() idempotency.Hash {
	h := sha256.New()
	fmt.Fprintf(h, "%q %q %q %t %d ", p.Route, p.Room, p.Users, p.All, p.Kind)
	h.Write(p.Data)
	return idempotency.Hash(h.Sum(nil))
}

// countPublication counts a publication by its target and its result.
func (m *metrics) countPublication(p Publication, d Delivery, err error) {
	target := "all"
	switch {
	case p.Room != "":
		target = "room"
	case len(p.Users) > 0:
		target = "users"
	}
	var refused *RefusedError
	result := "failed"
	switch {
	case d.Duplicate:
		result = "duplicate"
	case err == nil:
		result = "delivered"
	case errors.As(err, &refused):
		result = "refused"
	case errors.Is(err, abi.Invalid),
		errors.Is(err, abi.Limit),
		errors.Is(err, ErrUnknownRoute),
		errors.Is(err, ErrKeyReused):
		result = "invalid"
	}
	m.published.WithLabelValues(target, result).Inc()
}

// validatePublication returns the routes that a publication is for, or what is wrong
// with it.
func (h *Host) validatePublication(p Publication) ([]*routeRuntime, error) {
	targets := 0
	for _, set := range []bool{p.Room != "", len(p.Users) > 0, p.All} {
		if set {
			targets++
		}
	}
	switch {
	case targets != 1:
		return nil, fmt.Errorf("a message is for a room, for users or for all: set exactly one of them: %w", abi.Invalid)
	case p.Route == "" && p.Room != "":
		return nil, fmt.Errorf("room %q: say on which route: %w", p.Room, abi.Invalid)
	case len(p.Users) > maxUsers:
		return nil, fmt.Errorf("%d users: a message is for %d at most: %w", len(p.Users), maxUsers, abi.Limit)
	case !p.Kind.Valid():
		return nil, fmt.Errorf("kind %d is neither text nor binary: %w", p.Kind, abi.Invalid)
	case p.Kind == abi.Text && !utf8.Valid(p.Data):
		return nil, fmt.Errorf("text that is not UTF-8: send it as binary: %w", abi.Invalid)
	}
	names := slices.Clone(p.Users)
	for _, n := range []string{p.Room, p.Key} {
		if n != "" {
			names = append(names, n)
		}
	}
	if err := validateNames(names...); err != nil {
		return nil, err
	}
	routes, err := h.routesOf(p.Route)
	if err != nil {
		return nil, err
	}
	for _, rt := range routes {
		if limit := rt.settings.Load().limits.HookBytes; len(p.Data) > limit {
			return nil, fmt.Errorf(
				"a message of %d bytes, and limits.hook_bytes of route %s is %d: %w",
				len(p.Data),
				rt.pattern,
				limit,
				abi.Limit,
			)
		}
	}
	return routes, nil
}
