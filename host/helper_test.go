package host_test

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
	"github.com/coder/websocket"
	"github.com/prometheus/client_golang/prometheus/promhttp"
)

// serve starts a host and returns it with its ws:// address. Both end with the test.
func serve(t testing.TB, o host.Options) (*host.Host, string) {
	t.Helper()
	h, err := host.New(o)
	if err != nil {
		t.Fatal(err)
	}
	s := httptest.NewServer(h)
	t.Cleanup(func() {
		stop(t, h)
		s.Close()
	})
	return h, "ws" + strings.TrimPrefix(s.URL, "http")
}

// serveQuiet is serve without a log, for tests whose hooks fail on purpose.
func serveQuiet(t testing.TB, o host.Options) (*host.Host, string) {
	t.Helper()
	o.Log = slog.New(slog.DiscardHandler)
	return serve(t, o)
}

// stop closes a host.
func stop(t testing.TB, h *host.Host) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
	defer cancel()
	if err := h.Close(ctx); err != nil {
		t.Error(err)
	}
}

// testContext returns a context that ends after 10 s, or with the test.
func testContext(t testing.TB) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	t.Cleanup(cancel)
	return ctx
}

// dial connects. The connection is closed at the end of the test.
func dial(t testing.TB, url string) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(testContext(t), url, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return c
}

// dialDo connects to a script route. on_connect runs the commands do.
func dialDo(t testing.TB, address, do string) *websocket.Conn {
	t.Helper()
	return dial(t, address+"?do="+url.QueryEscape(do))
}

// dialWith connects with header fields. "Host" sets the host of the request.
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

// refused connects, expects that the host refuses the handshake, and returns the response.
func refused(t testing.TB, url string) *http.Response {
	t.Helper()
	c, res, err := websocket.Dial(testContext(t), url, nil)
	if err == nil {
		_ = c.CloseNow()
		t.Fatalf("%s: connected", url)
	}
	if res == nil {
		t.Fatal(err)
	}
	return res
}

func escape(s string) string { return url.QueryEscape(s) }

// send sends a text message.
func send(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	if err := c.Write(testContext(t), websocket.MessageText, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

// want reads a message and expects that it is text.
func want(t testing.TB, c *websocket.Conn, text string) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	if err != nil {
		t.Fatalf("want %q: %v", text, err)
	}
	if string(b) != text {
		t.Fatalf("got %q, want %q", b, text)
	}
}

// do sends a message and expects the answers.
func do(t testing.TB, c *websocket.Conn, text string, answers ...string) {
	t.Helper()
	send(t, c, text)
	for _, a := range answers {
		want(t, c, a)
	}
}

// readUntil reads messages until one contains text.
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

// wantClose reads from a connection and expects a close with a code and a reason.
func wantClose(t testing.TB, c *websocket.Conn, code int, reason string) {
	t.Helper()
	_, b, err := c.Read(testContext(t))
	var ce websocket.CloseError
	if !errors.As(err, &ce) || int(ce.Code) != code || ce.Reason != reason {
		t.Fatalf("got %q, %v; want a close with %d %q", b, err, code, reason)
	}
}

// wantStatus expects an HTTP status.
func wantStatus(t testing.TB, res *http.Response, status int) {
	t.Helper()
	if res.StatusCode != status {
		b, _ := io.ReadAll(res.Body)
		t.Errorf("status %d, want %d: %s", res.StatusCode, status, b)
	}
}

// receive receives from a channel, for 10 s at most.
func receive[T any](t testing.TB, c <-chan T) (v T) {
	t.Helper()
	select {
	case v = <-c:
	case <-testContext(t).Done():
		t.Fatal("nothing was sent in time")
	}
	return v
}

// eventually polls ok until it returns true, for 30 s at most. It is for states that cause no event.
func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(30 * time.Second); !ok(); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("not in time: ", what)
		}
	}
}

// internal sends a GET request to the internal listener of a host.
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

// metric returns the value of a series. It returns -1 if the host has no such series.
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

// inHook runs f in an on_message of a route with limits and returns its error.
func inHook(t *testing.T, l host.Limits, f func(env host.Env, conn host.ConnID) error) error {
	t.Helper()
	result := make(chan error, 1)
	_, url := serveQuiet(t, host.Options{Routes: []host.Route{{Path: "/c", Limits: l, Channel: &host.Funcs{
		OnMessage: func(env host.Env, conn host.ConnID, _ host.Message) error {
			result <- f(env, conn)
			return nil
		},
	}}}})
	send(t, dial(t, url+"/c"), "go")
	return receive(t, result)
}

// echoRoute returns a route that sends each message back.
func echoRoute() host.Route {
	return host.Route{Path: "/echo", Channel: &host.Funcs{
		OnMessage: func(env host.Env, conn host.ConnID, m host.Message) error {
			return env.Send(conn, m.Kind, m.Data)
		},
	}}
}

// goGuest builds the plugin of a folder of plugins/ and returns the path of the module.
func goGuest(t testing.TB, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".wasm")
	args := []string{"build", "-buildmode=c-shared", "-trimpath", "-ldflags=-s -w", "-o", out, "../plugins/" + name}
	cmd := exec.Command("go", args...)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm", "CGO_ENABLED=0")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build %s: %v\n%s", name, err, text)
	}
	return out
}
