package hostile

import (
	"context"
	"net/http/httptest"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/internal/wstest"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// longDeadline is a deadline for hooks that must not fail on a busy machine.
const longDeadline = 10 * time.Second

// internalError is what a client gets when its hook has failed.
const internalError = `{"type":"error","code":"INTERNAL_ERROR"}`

// serve starts a host and returns its ws:// address. The host is closed at the end of the test.
func serve(t testing.TB, o host.Options) (*host.Host, string) {
	t.Helper()
	h, err := host.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		if err := h.Close(ctx); err != nil {
			t.Error(err)
		}
		s.Close()
	})
	return h, "ws" + strings.TrimPrefix(s.URL, "http")
}

// dial connects to a path for a minute.
func dial(t testing.TB, url, path string) *wstest.Conn {
	t.Helper()
	c := wstest.Dial(t, url, path)
	_ = c.SetDeadline(time.Now().Add(time.Minute))
	return c
}

// eventually waits until ok returns true.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}

// metrics returns the metrics of a host in the text format.
func metrics(t testing.TB, h *host.Host) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(h.Registry(), promhttp.HandlerOpts{}).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("/metrics: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// metric returns the value of a series in /metrics; -1 if it is not there.
func metric(t testing.TB, h *host.Host, series string) float64 {
	t.Helper()
	for line := range strings.Lines(metrics(t, h)) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			return parseValue(t, rest)
		}
	}
	return -1
}

// parseValue parses the value of a line of /metrics.
func parseValue(t testing.TB, text string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
