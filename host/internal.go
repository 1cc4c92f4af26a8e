package host

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Internal is the handler for the listener that is not public: /metrics for
// Prometheus, /livez, /readyz and /debug/pprof/.
func (h *Host) Internal() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{
		Registry: h.registry, ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}))
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// readyz says whether new connections would be served.
func (h *Host) readyz(w http.ResponseWriter, _ *http.Request) {
	if h.closing.Load() {
		http.Error(w, "closing", http.StatusServiceUnavailable)
		return
	}
	for _, ch := range h.channels() {
		if p := ch.settings.Load().plugin; p != nil && p.Version() == "" {
			http.Error(w, "plugin of "+ch.pattern+" is not loaded", http.StatusServiceUnavailable)
			return
		}
	}
	fmt.Fprintln(w, "ok")
}
