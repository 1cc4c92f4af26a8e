package admin

import (
	"context"
	"mime"
	"net/http"
	"strings"
	"time"
)

const (
	// apiPath is the path that the operations are below.
	apiPath = "/api/v1/"
	// maxBody bounds the body of a request, in bytes.
	maxBody = 8 << 20
	// timeout bounds an operation, including the time to read its body.
	timeout = 30 * time.Second
	// keyHeader carries the key of a publication.
	keyHeader = "Idempotency-Key"
)

// operation is one operation of the API.
type operation struct {
	method string
	path   string // below apiPath
	name   string // the metric label, and the operationId in openapi.json
	params string // the query parameters, separated by spaces; those that end in ? are optional
	// run returns the answer, which is encoded as JSON, or an error for problemOf.
	run func(ctx context.Context, r *http.Request) (any, error)
}

func (s *Server) operations() []operation {
	return []operation{
		{"POST", "publish", "publish", "", s.publish},
		{"POST", "batch", "batch", "", s.batch},
		{"POST", "disconnect", "disconnect", "", s.disconnect},
		{"GET", "rooms", "rooms", "route after? limit?", s.rooms},
		{"GET", "room", "room", "route room", s.room},
		{"GET", "members", "members", "route room after? limit?", s.members},
		{"GET", "presence", "presence", "route room? after? limit?", s.presence},
		{"GET", "online", "online", "route user", s.online},
		{"GET", "connections", "connections", "route? after? limit?", s.connections},
		{"GET", "routes", "routes", "", s.routes},
		{"GET", "node", "node", "", s.node},
		{"POST", "plugins/load", "load", "", s.load},
		{"POST", "plugins/reload", "reload", "", s.reload},
		{"POST", "plugins/rollback", "rollback", "", s.rollBack},
		{"POST", "plugins/lift", "lift", "", s.lift},
	}
}

// handler returns the handler of an operation. It counts the requests, and logs those that failed with a 5xx status,
// unless the operation has made the problem itself and logged what it has to.
func (s *Server) handler(o operation) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start, status := time.Now(), http.StatusOK
		defer func() { s.metrics.observe(o.name, status, time.Since(start)) }()
		answer, err := s.do(o, w, r)
		if err == nil {
			writeJSON(w, status, "application/json", answer)
			return
		}
		p, made := err.(*problem)
		if !made {
			p = problemOf(err)
		}
		status = p.Status
		if status >= 500 && !made {
			s.log.Warn("API request failed", "operation", o.name, "status", status, "err", err)
		}
		writeProblem(w, p)
	})
}

// do checks a request and runs the operation.
func (s *Server) do(o operation, w http.ResponseWriter, r *http.Request) (any, error) {
	if r.Method != o.method && (o.method != "GET" || r.Method != "HEAD") {
		w.Header().Set("Allow", map[string]string{"GET": "GET, HEAD", "POST": "POST"}[o.method])
		return nil, newProblem(http.StatusMethodNotAllowed, codeMethod, "use "+o.method)
	}
	if o.method == "POST" {
		if err := s.checkWrite(r); err != nil {
			return nil, err
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		// The writer of a test has no deadlines.
		_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(timeout))
	}
	if err := checkParams(r, strings.Fields(o.params)); err != nil {
		return nil, err
	}
	if o.name != "publish" && r.Header.Values(keyHeader) != nil {
		return nil, badRequest("%s is for publish only: in a batch, each publication has a key of its own", keyHeader)
	}
	ctx, cancel := context.WithTimeout(r.Context(), timeout)
	defer cancel()
	return o.run(ctx, r)
}

// checkWrite returns an error if a page of another origin may have caused the request. A browser lets any page send a
// form or plain text to any server, but asks the server before it sends JSON.
func (s *Server) checkWrite(r *http.Request) error {
	if err := s.crossOrigin.Check(r); err != nil {
		return newProblem(http.StatusForbidden, codeForbidden, "pages of another origin may not write: "+err.Error())
	}
	if kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type")); err != nil || kind != "application/json" {
		return newProblem(http.StatusUnsupportedMediaType, codeMediaType, "send Content-Type: application/json")
	}
	return nil
}
