// Package admin serves the internal listener of a host: the HTTP API at /api/v1/, /metrics for Prometheus, /livez,
// /readyz and the profiles at /debug/pprof/.
//
//	a, err := admin.New(h, admin.Options{Token: token})
//	if err != nil {
//		return err
//	}
//	defer a.Close()
//	return http.ListenAndServe("127.0.0.1:4001", a)
//
// auth.go decides which requests are answered. operation.go has the table of the API's operations, and openapi.json
// describes them (OpenAPI 3.1); the tests compare the two.
package admin

import (
	"cmp"
	"crypto/sha256"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"sync/atomic"

	"github.com/azuhost/azuhost/host"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Options configure a Server. The zero value works.
type Options struct {
	// Log receives the requests and publications that failed. nil: slog.Default().
	Log *slog.Logger
	// Registry holds the metrics that /metrics serves. The Server registers its own metrics there. nil: the registry of
	// the host.
	Registry *prometheus.Registry
	// Token is the bearer token that requests must carry, except those for /livez and /readyz. Empty: no token is
	// required, but the Host header must be localhost or an IP address, and the API answers on loopback only.
	Token string
}

// Server is the handler of the internal listener. All methods may be called concurrently.
type Server struct {
	host     *host.Host
	log      *slog.Logger
	registry *prometheus.Registry
	metrics  *metrics
	// crossOrigin detects the writes that a browser sends on behalf of a page of another origin.
	crossOrigin *http.CrossOriginProtection
	// tokenHash is the SHA-256 of the token. nil: no token is required.
	tokenHash atomic.Pointer[[sha256.Size]byte]
	// next serves the requests that are authorized.
	next http.Handler
}

// New returns a Server for h. It returns an error if the token is not valid (CheckToken) or if the registry already
// has the metrics of another Server. Close releases the Server.
func New(h *host.Host, o Options) (*Server, error) {
	s := &Server{
		host:        h,
		log:         cmp.Or(o.Log, slog.Default()),
		registry:    cmp.Or(o.Registry, h.Registry()),
		metrics:     newMetrics(),
		crossOrigin: http.NewCrossOriginProtection(),
	}
	if err := s.SetToken(o.Token); err != nil {
		return nil, err
	}
	if err := s.metrics.register(s.registry); err != nil {
		return nil, err
	}
	s.next = s.mux()
	return s, nil
}

// Close unregisters the metrics of the Server. It does not close the host.
func (s *Server) Close() { s.metrics.unregister(s.registry) }

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if p := s.authorize(r); p != nil {
		refuse(w, r, p)
		return
	}
	s.next.ServeHTTP(w, r)
}

// mux returns the handler of all paths.
func (s *Server) mux() *http.ServeMux {
	mux := http.NewServeMux()
	for _, o := range s.operations() {
		mux.Handle(apiPath+o.path, s.handler(o))
	}
	mux.HandleFunc(apiPath+"openapi.json", serveOpenAPI)
	mux.HandleFunc("/api/", func(w http.ResponseWriter, _ *http.Request) {
		writeProblem(w, newProblem(http.StatusNotFound, codeUnknownPath,
			"there is no such path: GET /api/v1/openapi.json lists the operations"))
	})
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.registry, promhttp.HandlerOpts{
		Registry:      s.registry,
		ErrorHandling: promhttp.ContinueOnError,
		ErrorLog:      slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}))
	mux.HandleFunc("GET /livez", livez)
	mux.HandleFunc("GET /readyz", s.readyz)
	mux.HandleFunc("/debug/pprof/", limitSeconds(pprof.Index))
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", limitSeconds(pprof.Profile))
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", limitSeconds(pprof.Trace))
	return mux
}
