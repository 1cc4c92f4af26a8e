package host_test

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

func escape(s string) string { return url.QueryEscape(s) }

// dialWith connects with headers; Host is one of them.
func dialWith(t testing.TB, url string, header map[string]string) (*websocket.Conn, *http.Response, error) {
	t.Helper()
	o := &websocket.DialOptions{HTTPHeader: http.Header{}, Host: header["Host"]}
	for k, v := range header {
		switch k {
		case "Host":
		case "Sec-WebSocket-Protocol":
			o.Subprotocols = strings.Split(v, ", ")
		default:
			o.HTTPHeader.Set(k, v)
		}
	}
	c, res, err := websocket.Dial(testContext(t), url, o)
	if err == nil {
		t.Cleanup(func() { _ = c.CloseNow() })
	}
	return c, res, err
}

// internal sends GET to the internal listener of a host.
func internal(t testing.TB, h *host.Host, path string) (status int, body string) {
	t.Helper()
	a, err := admin.New(h, admin.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	w := httptest.NewRecorder()
	a.ServeHTTP(w, httptest.NewRequest("GET", "http://localhost"+path, nil))
	return w.Code, w.Body.String()
}

// metricsOf returns the metrics of a host in the text format.
func metricsOf(t testing.TB, h *host.Host) string {
	t.Helper()
	w := httptest.NewRecorder()
	promhttp.HandlerFor(h.Registry(), promhttp.HandlerOpts{ErrorHandling: promhttp.ContinueOnError}).
		ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	if w.Code != 200 {
		t.Fatalf("/metrics: %d %s", w.Code, w.Body)
	}
	return w.Body.String()
}

// metric is the value of a series as it stands in /metrics; -1: it is not there.
func metric(t testing.TB, h *host.Host, series string) float64 {
	t.Helper()
	for line := range strings.Lines(metricsOf(t, h)) {
		if rest, ok := strings.CutPrefix(line, series+" "); ok {
			v, err := strconv.ParseFloat(strings.TrimSpace(rest), 64)
			if err != nil {
				t.Fatal(line)
			}
			return v
		}
	}
	return -1
}

// wantMetric waits until a series has a value.
func wantMetric(t testing.TB, h *host.Host, series string, v float64) {
	t.Helper()
	var got float64
	defer func() {
		if t.Failed() {
			t.Logf("%s is %v, want %v", series, got, v)
		}
	}()
	eventually(t, series, func() bool {
		got = metric(t, h, series)
		return got == v
	})
}

// goGuest builds one of plugins/ and gives its file.
func goGuest(t testing.TB, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, "../plugins/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, text)
	}
	return out
}

// readUntil reads until a message has a text in it.
func readUntil(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	for {
		_, b, err := c.Read(testContext(t))
		if err != nil {
			t.Fatalf("waiting for %s: %v", text, err)
		}
		if strings.Contains(string(b), text) {
			return
		}
	}
}
