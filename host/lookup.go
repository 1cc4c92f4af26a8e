package host

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/naming"
)

// ErrUnknownRoute is the error for a path that no route has.
var ErrUnknownRoute = errors.New("no such route")

// runtimes lists the routes in the order of the options.
func (h *Host) runtimes() []*routeRuntime {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return slices.Clone(h.routes)
}

// runtime returns the route with a path, nil if there is none.
func (h *Host) runtime(path string) *routeRuntime {
	h.mu.RLock()
	defer h.mu.RUnlock()
	for _, rt := range h.routes {
		if rt.pattern == path {
			return rt
		}
	}
	return nil
}

// routesOf returns the route of a path, or all routes for an empty one.
func (h *Host) routesOf(path string) ([]*routeRuntime, error) {
	if path == "" {
		return h.runtimes(), nil
	}
	rt, err := h.route(path)
	if err != nil {
		return nil, err
	}
	return []*routeRuntime{rt}, nil
}

// route returns the route of a path, and validates names. The error wraps
// ErrUnknownRoute or abi.Invalid.
func (h *Host) route(path string, names ...string) (*routeRuntime, error) {
	rt := h.runtime(path)
	if rt == nil {
		var known []string
		for _, rt := range h.runtimes() {
			known = append(known, rt.pattern)
		}
		return nil, fmt.Errorf("%w as %q; there are: %s", ErrUnknownRoute, path, strings.Join(known, ", "))
	}
	return rt, validateNames(names...)
}

// validateNames returns an error for the first invalid name. It wraps abi.Invalid.
func validateNames(names ...string) error {
	for _, n := range names {
		if !naming.Valid(n) {
			return fmt.Errorf("name %q: want 1 to %d bytes of UTF-8 without control characters: %w", n, abi.MaxName, abi.Invalid)
		}
	}
	return nil
}
