package admin

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// checkParams returns an error for a query parameter that is not in params, one that is given twice, and one that is
// missing or empty although its entry in params does not end in ?.
func checkParams(r *http.Request, params []string) error {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("query: %v", err)
	}
	var names []string
	for _, p := range params {
		name, optional := strings.CutSuffix(p, "?")
		names = append(names, name)
		if !optional && query.Get(name) == "" {
			return badRequest("the query parameter %q is needed, and must not be empty", name)
		}
	}
	for name, values := range query {
		switch {
		case len(names) == 0:
			return badRequest("unknown query parameter %q: there are none here", name)
		case !slices.Contains(names, name):
			return badRequest("unknown query parameter %q: want one of %q", name, names)
		case len(values) > 1:
			return badRequest("the query parameter %q is given %d times", name, len(values))
		}
	}
	return nil
}

// checkNotEmpty returns an error if an optional query parameter is given and empty. absent says what a request without
// the parameter asks for.
func checkNotEmpty(r *http.Request, name, absent string) error {
	if q := r.URL.Query(); q.Has(name) && q.Get(name) == "" {
		return badRequest("%s is empty: leave it out for %s", name, absent)
	}
	return nil
}
