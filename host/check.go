package host

import (
	"context"
	"errors"
	"net/http"

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
