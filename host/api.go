package host

import (
	"context"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"
)

// The HTTP API: /api/v1/…, on the internal listener. openapi.json describes it,
// and a test holds the two against each other. The operations are in api_*.go, the reading of bodies in api_decode.go.

const (
	// apiBody bounds the body of a request, in bytes.
	apiBody = 8 << 20
	// apiTime bounds an operation, the reading of its body included.
	apiTime = 30 * time.Second
	// maxPage is the largest page of a list.
	maxPage = 1000
	// headerKey is the header with the key of a publication.
	headerKey = "Idempotency-Key"
)

// api serves the operations. Its methods are those that api_*.go have.
type api struct {
	host *Host
	mux  *http.ServeMux
	// foreign refuses what a page of another origin has a browser send.
	foreign *http.CrossOriginProtection
}

// operation answers a request with a value, which becomes JSON, or an error.
type operation func(ctx context.Context, r *http.Request) (any, error)

func newAPI(h *Host) *api {
	a := &api{host: h, mux: http.NewServeMux(), foreign: http.NewCrossOriginProtection()}
	for _, o := range a.operations() {
		a.mux.Handle("/api/v1/"+o.path, a.serve(o))
	}
	a.mux.HandleFunc("/api/v1/openapi.json", serveOpenAPI)
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, newProblem(http.StatusNotFound, codeUnknownPath, "there is nothing here: GET /api/v1/openapi.json lists what there is"))
	})
	return a
}

// described is an operation at its place. name is a metric label, and its
// operationId in openapi.json. query has the parameters that it takes, each behind a
// space; what ends in ? may be left out.
type described struct {
	method, path, name, query string
	do                        operation
}

func (a *api) operations() []described {
	return []described{
		{"POST", "publish", "publish", "", a.publish},
		{"POST", "batch", "batch", "", a.batch},
		{"POST", "disconnect", "disconnect", "", a.disconnect},
		{"GET", "rooms", "rooms", "route after? limit?", a.rooms},
		{"GET", "room", "room", "route room", a.room},
		{"GET", "members", "members", "route room after? limit?", a.members},
		{"GET", "presence", "presence", "route room? after? limit?", a.presence},
		{"GET", "online", "online", "route user", a.online},
		{"GET", "connections", "connections", "route? after? limit?", a.connections},
		{"GET", "routes", "routes", "", a.routes},
		{"GET", "node", "node", "", a.node},
		{"POST", "plugins/load", "load", "", a.load},
		{"POST", "plugins/reload", "reload", "", a.reload},
		{"POST", "plugins/rollback", "rollback", "", a.rollBack},
		{"POST", "plugins/lift", "lift", "", a.lift},
	}
}

// serve is the way that every request takes.
func (a *api) serve(o described) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, status := time.Now(), http.StatusOK
		defer func() { a.host.metrics.api.request(o.name, status, time.Since(start)) }()
		v, err := a.answer(w, r, o)
		if err == nil {
			writeJSON(w, status, "application/json", v)
			return
		}
		p := problemOf(err)
		status = p.Status
		if status >= 500 && p.Code != codeRefused {
			a.host.log.Warn("API request failed", "operation", o.name, "status", status, "err", err)
		}
		writeProblem(w, p)
	})
}

// answer checks what is the same for all operations, and does one.
func (a *api) answer(w http.ResponseWriter, r *http.Request, o described) (any, error) {
	if r.Method != o.method && (o.method != "GET" || r.Method != "HEAD") {
		w.Header().Set("Allow", map[string]string{"GET": "GET, HEAD", "POST": "POST"}[o.method])
		return nil, newProblem(http.StatusMethodNotAllowed, codeMethod, "use "+o.method)
	}
	if o.method == "POST" {
		if err := a.foreign.Check(r); err != nil {
			return nil, newProblem(http.StatusForbidden, codeForbidden, "pages of another origin may not write: "+err.Error())
		}
		// A page can send a form or plain text anywhere without being asked.
		if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
			return nil, newProblem(http.StatusUnsupportedMediaType, codeMediaType, "send Content-Type: application/json")
		}
		r.Body = http.MaxBytesReader(w, r.Body, apiBody)
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(apiTime)) // where it is a socket
	}
	if err := checkQuery(r, strings.Fields(o.query)); err != nil {
		return nil, err
	}
	if o.name != "publish" && r.Header.Values(headerKey) != nil {
		return nil, badRequest("%s: only publish has one; the publications of a batch have a key each", headerKey)
	}
	ctx, cancel := context.WithTimeout(r.Context(), apiTime)
	defer cancel()
	return o.do(ctx, r)
}

// checkQuery refuses query parameters that are none of params or are there twice, and
// asks for those that do not end in ?.
func checkQuery(r *http.Request, params []string) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("the query: %v", err)
	}
	var names []string
	for _, p := range params {
		name, optional := strings.CutSuffix(p, "?")
		names = append(names, name)
		if !optional && q.Get(name) == "" {
			return badRequest("the query parameter %q is needed, and not empty", name)
		}
	}
	for name, values := range q {
		switch {
		case len(names) == 0:
			return badRequest("the query parameter %q: there are none here", name)
		case !slices.Contains(names, name):
			return badRequest("the query parameter %q: want one of %q", name, names)
		case len(values) > 1:
			return badRequest("the query parameter %q is there %d times", name, len(values))
		}
	}
	return nil
}

// queryPage reads where a page begins and how long it is.
func queryPage(r *http.Request) (after string, limit int, err error) {
	if r.URL.Query().Has("after") && r.URL.Query().Get("after") == "" {
		return "", 0, badRequest("after: leave it out for the first page")
	}
	limit = defaultPage
	if r.URL.Query().Has("limit") {
		text := r.URL.Query().Get("limit")
		limit, err = strconv.Atoi(text)
		if err != nil || limit < 1 || limit > maxPage || text != strconv.Itoa(limit) {
			return "", 0, badRequest("limit %q: want 1 to %d", text, maxPage)
		}
	}
	return r.URL.Query().Get("after"), limit, nil
}

// listed is a list, or a page of one.
type listed[T any] struct {
	Items []T    `json:"items"`
	Next  string `json:"next,omitempty"` // the after of the next page; empty: this was the last
}

// pageOf cuts a page that was asked for with one item more than limit.
func pageOf[T any](items []T, limit int, name func(T) string) listed[T] {
	if items == nil {
		items = []T{}
	}
	if len(items) <= limit {
		return listed[T]{Items: items}
	}
	return listed[T]{Items: items[:limit], Next: name(items[limit-1])}
}
