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
		tokens:    counterVec("azuhost_auth_total", "Tokens verified in handshakes and refreshes, by result.", "route", "result"),
		expiries:  counterVec("azuhost_auth_expiries_total", "Connections closed because their token expired.", "route"),
		refreshes: counterVec("azuhost_auth_jwks_refreshes_total", "Fetches of auth.jwks_url, by result: ok or failed.", "result"),
		fetched:   desc("azuhost_auth_jwks_timestamp_seconds", "Time of the last fetch of auth.jwks_url, in seconds since 1970; 0: never."),
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

// keysFetched counts a fetch of keys.
func (m *metrics) keysFetched(ok bool) {
	result := "failed"
	if ok {
		result = "ok"
	}
	m.auth.refreshes.WithLabelValues(result).Inc()
}
