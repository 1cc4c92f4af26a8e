package host

import (
	"context"
	"errors"
	"fmt"
	"net/http"

	"github.com/azuhost/azuhost/host/internal/clientip"
	"github.com/azuhost/azuhost/host/internal/origin"
	"github.com/azuhost/azuhost/host/internal/routepath"
)

// Check returns an error that names all mistakes in o. It reads files, loads plugins and starts them, but it does not
// serve, connect to the broker or fetch keys.
func Check(ctx context.Context, o Options) error {
	o.Watch, o.StateDir, o.Broker.offline = false, "", true
	if o.Auth != nil {
		a := *o.Auth
		a.offline = true
		o.Auth = &a
	}
	h, err := New(o)
	if err != nil {
		return err
	}
	return h.Close(ctx)
}

// checkRoutes returns an error that names all mistakes in routes, and paths that conflict. It loads nothing.
func checkRoutes(routes []Route) error {
	var errs []error
	mux, seen := http.NewServeMux(), map[string]string{}
	for _, r := range routes {
		if err := r.validate(); err != nil {
			errs = append(errs, err)
		} else if err := routepath.Handle(mux, seen, r.Path, http.NotFoundHandler()); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// CheckAllowedHost returns an error if an entry of Options.AllowedHosts can never match. The error says what to write
// instead.
func CheckAllowedHost(pattern string) error { return origin.CheckHost(pattern) }

// CheckAllowedOrigin returns an error if an entry of Options.AllowedOrigins or Route.AllowedOrigins can never match
// what browsers send. The error says what to write instead.
func CheckAllowedOrigin(pattern string) error { return origin.Check(pattern) }

// CheckTrustedProxy returns an error if an entry of Options.TrustedProxies is neither a network nor an address.
func CheckTrustedProxy(text string) error {
	_, err := clientip.ParseNetwork(text)
	return err
}

// checkEach applies check to each entry of a list and prefixes the errors with the name of the list.
func checkEach(name string, list []string, check func(string) error) error {
	var errs []error
	for _, entry := range list {
		if err := check(entry); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", name, err))
		}
	}
	return errors.Join(errs...)
}
