package host

import (
	"context"
	"net/http"
)

// What the API may do with plugins. It names routes, never files: who has the token
// may operate the host, and who writes the configuration says what runs.

// apiRoute is the body of these operations.
type apiRoute struct {
	Route given[string] `json:"route"`
}

func (a *api) load(ctx context.Context, r *http.Request) (any, error) {
	return a.change(ctx, r, a.host.Load)
}

func (a *api) rollBack(ctx context.Context, r *http.Request) (any, error) {
	return a.change(ctx, r, a.host.RollBack)
}

func (a *api) change(ctx context.Context, r *http.Request, do func(context.Context, string) (VersionChange, error)) (any, error) {
	body, err := decode[apiRoute](r)
	if err != nil {
		return nil, err
	}
	c, err := do(ctx, body.Route.v)
	if err != nil {
		return nil, a.versionProblem(err)
	}
	return c, nil
}

// versionProblem is problemOf for a change of a version, whose unknown errors
// are about the module.
func (a *api) versionProblem(err error) *problem {
	p := problemOf(err)
	if p.Code == codeInternal || p.Code == codeHookFailed || p.Code == codeInvalid {
		return newProblem(http.StatusUnprocessableEntity, codeNotLoaded, err.Error())
	}
	return p
}

// reloaded is what became of the plugin of one route: one of the two.
type reloaded struct {
	Route  string         `json:"route"`
	Change *VersionChange `json:"change,omitempty"`
	Error  *problem       `json:"error,omitempty"`
}

// reload is load for every route that has a plugin. What is wrong with one does
// not keep the others.
func (a *api) reload(ctx context.Context, r *http.Request) (any, error) {
	if _, err := decode[struct{}](r); err != nil {
		return nil, err
	}
	list := listed[reloaded]{Items: []reloaded{}}
	for _, rt := range a.host.runtimes() {
		if rt.settings.Load().plugin == nil {
			continue
		}
		item := reloaded{Route: rt.pattern}
		if c, err := a.host.Load(ctx, rt.pattern); err != nil {
			item.Error = a.versionProblem(err)
		} else {
			item.Change = &c
		}
		list.Items = append(list.Items, item)
	}
	return list, nil
}

func (a *api) lift(_ context.Context, r *http.Request) (any, error) {
	body, err := decode[apiRoute](r)
	if err != nil {
		return nil, err
	}
	if err := a.host.Lift(body.Route.v); err != nil {
		return nil, err
	}
	for _, info := range a.host.Routes() {
		if info.Path == body.Route.v {
			return info, nil
		}
	}
	return nil, ErrUnknownRoute // it has gone meanwhile
}
