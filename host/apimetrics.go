package host

import (
	"errors"
	"strconv"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/prometheus/client_golang/prometheus"
)

// apiMetrics are about what comes from outside of the channels: from the
// program around the host, the HTTP API and the CLI.
type apiMetrics struct {
	published *prometheus.CounterVec
	requests  *prometheus.CounterVec
	duration  *prometheus.HistogramVec
}

func newAPIMetrics() *apiMetrics {
	return &apiMetrics{
		published: counterVec("azuhost_published_total", "Messages published from outside: Host.Publish, the HTTP API, the CLI.", "target", "result"),
		requests:  counterVec("azuhost_api_requests_total", "Requests to the HTTP API, by status.", "operation", "status"),
		duration:  histogramVec("azuhost_api_request_duration_seconds", "Time to answer requests to the HTTP API.", prometheus.ExponentialBuckets(1e-5, 4, 11), "operation"),
	}
}

func (m *apiMetrics) vectors() []prometheus.Collector {
	return []prometheus.Collector{m.published, m.requests, m.duration}
}

// request counts a request to the API.
func (m *apiMetrics) request(operation string, status int, d time.Duration) {
	m.requests.WithLabelValues(operation, strconv.Itoa(status)).Inc()
	m.duration.WithLabelValues(operation).Observe(d.Seconds())
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
