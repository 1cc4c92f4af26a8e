package host

import (
	"github.com/azuhost/azuhost/host/internal/auth"
	"github.com/prometheus/client_golang/prometheus"
)

// authMetrics are the metrics about tokens.
type authMetrics struct {
	tokens    *prometheus.CounterVec
	expiries  *prometheus.CounterVec
	refreshes *prometheus.CounterVec
	fetched   *prometheus.Desc
}

func newAuthMetrics() authMetrics {
	return authMetrics{
		tokens: counterVec("azuhost_auth_total",
			"Tokens verified in handshakes and refreshes, by result.", "route", "result"),
		expiries: counterVec("azuhost_auth_expiries_total", "Connections closed because their token expired.", "route"),
		refreshes: counterVec("azuhost_auth_jwks_refreshes_total",
			"Fetches of auth.jwks_url, by result: ok or failed.", "result"),
		fetched: desc("azuhost_auth_jwks_timestamp_seconds",
			"Time of the last fetch of auth.jwks_url, in seconds since 1970; 0: never."),
	}
}

func (m *authMetrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.tokens, m.expiries, m.refreshes}
}

// collect reports the fetch of keys, for a verifier that fetches them.
func (m *authMetrics) collect(out chan<- prometheus.Metric, v *auth.Verifier) {
	if v == nil {
		return
	}
	s, ok := v.Status()
	if !ok {
		return
	}
	var at float64
	if !s.Fetched.IsZero() {
		at = float64(s.Fetched.UnixMilli()) / 1e3
	}
	out <- prometheus.MustNewConstMetric(m.fetched, prometheus.GaugeValue, at)
}

// Results of a fetch of keys, a label of azuhost_auth_jwks_refreshes_total.
const (
	fetchOK     = "ok"
	fetchFailed = "failed"
)

// initTokens sets the counters of tokens on a route to 0.
func (m *metrics) initTokens(route string) {
	m.auth.tokens.WithLabelValues(route, tokenOK)
	for _, reason := range auth.Reasons {
		m.auth.tokens.WithLabelValues(route, string(reason))
	}
	m.auth.expiries.WithLabelValues(route)
}

// initFetches sets the counters of fetches to 0.
func (m *metrics) initFetches() {
	m.auth.refreshes.WithLabelValues(fetchOK)
	m.auth.refreshes.WithLabelValues(fetchFailed)
}

// keysFetched counts a fetch of keys.
func (m *metrics) keysFetched(ok bool) {
	result := fetchFailed
	if ok {
		result = fetchOK
	}
	m.auth.refreshes.WithLabelValues(result).Inc()
}
