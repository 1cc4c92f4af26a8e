package admin

import (
	"context"
	"net/http"

	"github.com/azuhost/azuhost/host"
)

// The operations on plugins name routes, never files: a client with the token operates the host, but only the
// configuration decides which plugins run.

// routeBody is the body of the operations on the plugin of one route.
type routeBody struct {
	Route optional[string] `json:"route"`
}

func (s *Server) load(ctx context.Context, r *http.Request) (any, error) {
	return changeVersion(ctx, r, s.host.Load)
}

func (s *Server) rollBack(ctx context.Context, r *http.Request) (any, error) {
	return changeVersion(ctx, r, s.host.RollBack)
}

func changeVersion(
	ctx context.Context, r *http.Request, change func(context.Context, string) (host.VersionChange, error),
) (any, error) {
	body, err := decode[routeBody](r)
	if err != nil {
		return nil, err
	}
	c, err := change(ctx, body.Route.value)
	if err != nil {
		return nil, versionProblemOf(err)
	}
	return c, nil
}

// versionProblemOf is problemOf for the change of a version: errors that are not about the request are about the
// module.
func versionProblemOf(err error) *problem {
	switch p := problemOf(err); p.Code {
	case codeInternal, codeHookFailed, codeInvalid:
		return newProblem(http.StatusUnprocessableEntity, codeNotLoaded, err.Error())
	default:
		return p
	}
}

// reloadResult is the result of reload for one route. Exactly one of Change and Error is set.
type reloadResult struct {
	Route  string              `json:"route"`
	Change *host.VersionChange `json:"change,omitempty"`
	Error  *problem            `json:"error,omitempty"`
}

// reload loads the plugin of every route that has one.
func (s *Server) reload(ctx context.Context, r *http.Request) (any, error) {
	if _, err := decode[struct{}](r); err != nil {
		return nil, err
	}
	results := list[reloadResult]{Items: []reloadResult{}}
	for _, loaded := range s.host.LoadAll(ctx) {
		result := reloadResult{Route: loaded.Route}
		if loaded.Err != nil {
			result.Error = versionProblemOf(loaded.Err)
		} else {
			result.Change = &loaded.Change
		}
		results.Items = append(results.Items, result)
	}
	return results, nil
}

// lift ends the quarantine of a route, and answers with the route.
func (s *Server) lift(_ context.Context, r *http.Request) (any, error) {
	body, err := decode[routeBody](r)
	if err != nil {
		return nil, err
	}
	if err := s.host.Lift(body.Route.value); err != nil {
		return nil, err
	}
	for _, info := range s.host.Routes() {
		if info.Path == body.Route.value {
			return info, nil
		}
	}
	return nil, host.ErrUnknownRoute // a reload removed the route since Lift
}
