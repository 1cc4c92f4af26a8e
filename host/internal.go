package host

import (
	"fmt"
	"log/slog"
	"net/http"
	"net/http/pprof"
	"strconv"
	"strings"

	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// Internal is the handler for the listener that is not public: /api/v1/…, /metrics
// for Prometheus, /livez, /readyz and /debug/pprof/. All but /livez and /readyz ask
// for Options.InternalToken, if there is one.
func (h *Host) Internal() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(h.registry, promhttp.HandlerOpts{
		Registry: h.registry, ErrorHandling: promhttp.ContinueOnError, ErrorLog: slog.NewLogLogger(h.log.Handler(), slog.LevelWarn),
	}))
	mux.Handle("/api/", newAPI(h).mux)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { fmt.Fprintln(w, "ok") })
	mux.HandleFunc("GET /readyz", h.readyz)
	mux.HandleFunc("/debug/pprof/", inTime(pprof.Index))
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", inTime(pprof.Profile))
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", inTime(pprof.Trace))
	return &guard{h, mux}
}

// maxProfile is the longest that a profile or a trace runs, in seconds.
const maxProfile = 300

// inTime refuses profiles that would run for longer than maxProfile. What is no
// number is left to profile, which has a default for it.
func inTime(profile http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		text := r.FormValue("seconds")
		if s, err := strconv.ParseFloat(text, 64); err == nil && !(s <= maxProfile) { // or NaN
			http.Error(w, fmt.Sprintf("seconds=%.20s: a profile takes at most %d; ask again for more", text, maxProfile), http.StatusBadRequest)
			return
		}
		profile(w, r)
	}
}

// readyz says whether new connections would be served, and lists the routes
// that are quarantined.
func (h *Host) readyz(w http.ResponseWriter, _ *http.Request) {
	if h.closing.Load() {
		http.Error(w, "draining", http.StatusServiceUnavailable)
		return
	}
	channels, now := h.runtimes(), h.now()
	var quarantined []string
	for _, rt := range channels {
		if state, _ := rt.state(now); state == Quarantined {
			quarantined = append(quarantined, rt.pattern)
		}
		if p := rt.settings.Load().plugin; p != nil && p.Version() == "" {
			http.Error(w, "plugin of "+rt.pattern+" is not loaded", http.StatusServiceUnavailable)
			return
		}
	}
	if err := h.checkKeys(); err != nil {
		http.Error(w, err.Error(), http.StatusServiceUnavailable)
		return
	}
	list := ""
	if len(quarantined) > 0 {
		list = "quarantined: " + strings.Join(quarantined, ", ") + "\n"
	}
	if len(quarantined) > 0 && len(quarantined) == len(channels) {
		http.Error(w, "every route is quarantined\n"+list, http.StatusServiceUnavailable)
		return
	}
	fmt.Fprint(w, "ok\n"+list+h.keysNote()+h.brokerNote())
}
