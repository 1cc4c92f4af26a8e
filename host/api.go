package host

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// The HTTP API: /api/v1/…, on the internal listener. openapi.json describes it,
// and a test holds the two against each other. The operations are in api_*.go.

const (
	// apiBody bounds the body of a request, in bytes.
	apiBody = 8 << 20
	// apiTime bounds an operation, the reading of its body included.
	apiTime = 30 * time.Second
	// maxPage is the largest page of a list.
	maxPage = 1000
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
		a.mux.Handle("/api/v1/"+o.path, a.serve(o.method, o.name, o.do))
	}
	a.mux.HandleFunc("/api/v1/openapi.json", serveOpenAPI)
	a.mux.HandleFunc("/api/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, newProblem(http.StatusNotFound, codeUnknownPath, "there is nothing here: GET /api/v1/openapi.json lists what there is"))
	})
	return a
}

// described is an operation at its place. name is a metric label, and its
// operationId in openapi.json.
type described struct {
	method, path, name string
	do                 operation
}

func (a *api) operations() []described {
	return []described{
		{"POST", "publish", "publish", a.publish},
		{"POST", "batch", "batch", a.batch},
		{"POST", "disconnect", "disconnect", a.disconnect},
		{"GET", "rooms", "rooms", a.rooms},
		{"GET", "room", "room", a.room},
		{"GET", "members", "members", a.members},
		{"GET", "presence", "presence", a.presence},
		{"GET", "online", "online", a.online},
		{"GET", "connections", "connections", a.connections},
		{"GET", "routes", "routes", a.routes},
		{"GET", "node", "node", a.node},
		{"POST", "plugins/load", "load", a.load},
		{"POST", "plugins/reload", "reload", a.reload},
		{"POST", "plugins/rollback", "rollback", a.rollBack},
		{"POST", "plugins/lift", "lift", a.lift},
	}
}

// serve is the way that every request takes.
func (a *api) serve(method, name string, do operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, status := time.Now(), http.StatusOK
		defer func() { a.host.metrics.api.request(name, status, time.Since(start)) }()
		v, err := a.answer(w, r, method, do)
		if err == nil {
			writeJSON(w, status, "application/json", v)
			return
		}
		p := problemOf(err)
		status = p.Status
		if status >= 500 && p.Code != codeRefused {
			a.host.log.Warn("API request failed", "operation", name, "status", status, "err", err)
		}
		writeProblem(w, p)
	})
}

// answer checks what is the same for all operations, and does one.
func (a *api) answer(w http.ResponseWriter, r *http.Request, method string, do operation) (any, error) {
	if r.Method != method && (method != "GET" || r.Method != "HEAD") {
		w.Header().Set("Allow", map[string]string{"GET": "GET, HEAD", "POST": "POST"}[method])
		return nil, newProblem(http.StatusMethodNotAllowed, codeMethod, "use "+method)
	}
	if method == "POST" {
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
	ctx, cancel := context.WithTimeout(r.Context(), apiTime)
	defer cancel()
	return do(ctx, r)
}

// decode reads the body: one JSON value, and nothing that T does not have.
func decode[T any](r *http.Request) (v T, err error) {
	if err := onlyQuery(r); err != nil {
		return v, err
	}
	body, err := io.ReadAll(r.Body)
	switch tooLarge := (*http.MaxBytesError)(nil); {
	case errors.As(err, &tooLarge):
		return v, err
	case err != nil:
		return v, badRequest("the body did not come: %v", err)
	case !utf8.Valid(body):
		return v, badRequest("the body is not UTF-8")
	case !bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("{")):
		return v, badRequest("the body: a JSON object is needed")
	}
	if err := strict(body, &v); err != nil {
		return v, badRequest("the body: %v", err)
	}
	return v, nil
}

// strict is json.Unmarshal that refuses fields which v does not have.
func strict(b []byte, v any) error {
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(v); err != nil {
		if errors.Is(err, io.EOF) {
			return errors.New("a JSON object is needed")
		}
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("there is something behind the JSON value")
	}
	return nil
}

// given is a field that may be left out. null is not the same.
type given[T any] struct {
	set bool
	v   T
}

// UnmarshalJSON implements json.Unmarshaler.
func (g *given[T]) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		return errors.New("null is not a value here: leave the field out")
	}
	g.set = true
	return strict(b, &g.v)
}

// whole is a whole number of at most 32 bits. JSON may have it as 1000, 1000.0 or 1e3.
type whole int32

// UnmarshalJSON implements json.Unmarshaler.
func (n *whole) UnmarshalJSON(b []byte) error {
	f, err := strconv.ParseFloat(string(b), 64)
	if err != nil || f != float64(int32(f)) {
		return errors.New("want a whole number")
	}
	*n = whole(f)
	return nil
}

// onlyQuery refuses query parameters that are none of names, or are there twice.
func onlyQuery(r *http.Request, names ...string) error {
	q, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		return badRequest("the query: %v", err)
	}
	for name, values := range q {
		switch {
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
