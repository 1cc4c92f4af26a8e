package host

import (
	"errors"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/prometheus/client_golang/prometheus"
)

// apiMetrics are about what comes from outside of the channels: from the
// program around the host, the HTTP API and the CLI.
type apiMetrics struct {
	published *prometheus.CounterVec
}

func newAPIMetrics() *apiMetrics {
	return &apiMetrics{
		published: counterVec("azuhost_published_total", "Messages published from outside: Host.Publish, the HTTP API, the CLI.", "target", "result"),
	}
}

func (m *apiMetrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.published}
}

// publishedTo counts a publication.
func (m *apiMetrics) publishedTo(p Publication, d Delivery, err error) {
	target := "all"
	switch {
	case p.Room != "":
		target = "room"
	case len(p.Users) > 0:
		target = "users"
	}
	var refused *RefusedError
	result := "failed"
	switch {
	case d.Duplicate:
		result = "duplicate"
	case err == nil:
		result = "delivered"
	case errors.As(err, &refused):
		result = "refused"
	case errors.Is(err, abi.Invalid), errors.Is(err, abi.Limit), errors.Is(err, ErrUnknownRoute), errors.Is(err, ErrKeyReused):
		result = "invalid"
	}
	m.published.WithLabelValues(target, result).Inc()
}
