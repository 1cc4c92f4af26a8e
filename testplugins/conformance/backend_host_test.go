package conformance

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/admin"
)

// route is the path of the guest.
const route = "/c/:id"

// secret signs the tokens of clients.
const secret = "0123456789abcdef0123456789abcdef"

// wasmGuest is a module, and the directory for its compiled code.
type wasmGuest struct{ file, cache string }

// options returns the options of a host with the guest.
func (g wasmGuest) options(s setup) host.Options {
	r := host.Route{
		Path: route, Plugin: g.file, Subprotocols: []string{"chat.v1"}, PresenceGrace: -1,
		Config: map[string]any{"do": s.onLoad()},
	}
	if s.noConfig {
		r.Config = nil
	}
	r.Limits.MaxMessage = 1 << 20
	r.Limits.Deadline = 10 * time.Second // the race detector and a busy machine slow guests down
	r.Limits.Faults = 1000
	o := host.Options{Routes: []host.Route{r}, PingInterval: -1, CacheDir: g.cache}
	if s.hostPings {
		o.PingInterval = 20 * time.Millisecond
	}
	if s.tokens {
		o.Auth = &host.Auth{Secret: secret}
		o.Routes[0].Auth = host.AuthOptional
	}
	return o
}

// open starts a host with the guest.
func (g wasmGuest) open(t *testing.T, s setup) (backend, error) { return openHost(t, g.options(s)) }

// hostBackend is the host. Its clients use WebSockets.
type hostBackend struct {
	t    *testing.T
	host *host.Host
	url  string
	log  *syncBuffer
}

func openHost(t *testing.T, o host.Options) (backend, error) {
	t.Helper()
	b := &hostBackend{t: t, log: &syncBuffer{}}
	o.Log = slog.New(slog.NewTextHandler(b.log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	var err error
	if b.host, err = host.New(o); err != nil {
		return nil, err
	}
	server := httptest.NewServer(b.host)
	b.url = "ws" + strings.TrimPrefix(server.URL, "http")
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), patience)
		defer cancel()
		if err := b.host.Close(ctx); err != nil {
			t.Error(err)
		}
		server.Close()
		if t.Failed() {
			t.Logf("the host's log:\n%s", b.log)
		}
	})
	return b, nil
}

// syncBuffer is a buffer that may be read while it is written.
type syncBuffer struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.Write(p)
}

func (b *syncBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.buf.String()
}

func (b *hostBackend) connect(r request) (connection, error) {
	o := &websocket.DialOptions{HTTPHeader: http.Header{}}
	for name, value := range r.header {
		o.HTTPHeader.Set(name, value)
	}
	if r.subprotocol != "" {
		o.Subprotocols = []string{r.subprotocol}
	}
	if r.claims != "" {
		o.HTTPHeader.Set("Authorization", "Bearer "+sign(r.claims))
	}
	ctx, cancel := context.WithTimeout(b.t.Context(), patience)
	defer cancel()
	conn, res, err := websocket.Dial(ctx, b.url+r.target(), o)
	if err != nil {
		if res != nil && res.StatusCode >= 400 {
			return nil, &refusedError{res.StatusCode}
		}
		return nil, err
	}
	conn.SetReadLimit(8 << 20)
	b.t.Cleanup(func() { _ = conn.CloseNow() })
	return &socket{b.t.Context(), conn}, nil
}

// target returns the request target.
func (r request) target() string {
	path, script, ok := strings.Cut(r.path, "do=")
	if ok {
		path += "do=" + url.QueryEscape(script)
	}
	return "/c/" + path
}

// sign returns a JSON Web Token with the claims.
func sign(claims string) string {
	encode := base64.RawURLEncoding.EncodeToString
	token := encode([]byte(`{"alg":"HS256","typ":"JWT"}`)) + "." + encode([]byte(claims))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(token))
	return token + "." + encode(mac.Sum(nil))
}

func (b *hostBackend) publish(p publication) error {
	out := host.Publication{Kind: p.kind, Data: []byte(p.data)}
	switch {
	case p.room != "":
		out.Room, out.Route = p.room, route
	case p.user != "":
		out.Users = []string{p.user}
	default:
		out.All = true
	}
	_, err := b.host.Publish(b.t.Context(), out)
	if refused := (*host.RefusedError)(nil); errors.As(err, &refused) {
		return &refusedError{refused.Status}
	}
	return err
}

func (b *hostBackend) wait(d time.Duration) { time.Sleep(d) }

func (b *hostBackend) now() time.Time { return time.Now() }

// logLines returns the lines of the host's log, with all their attributes in the text.
func (b *hostBackend) logLines() (lines []logLine) {
	level := regexp.MustCompile(`level=(\w+)`)
	for line := range strings.Lines(b.log.String()) {
		l := logLine{text: line}
		if m := level.FindStringSubmatch(line); m != nil {
			l.level = m[1]
		}
		lines = append(lines, l)
	}
	return lines
}

func (b *hostBackend) awaitFailure(hook string) error {
	text := "hook=" + hook + " plugin="
	for end := time.Now().Add(patience); !strings.Contains(b.log.String(), text); time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			return fmt.Errorf("there is no %q in the log", text)
		}
	}
	return nil
}

// metric reads the metrics in the format of Prometheus. Counters end in _total there, and histograms have a _sum.
func (b *hostBackend) metric(name string, labels ...label) (float64, bool) {
	internal, err := admin.New(b.host, admin.Options{})
	if err != nil {
		b.t.Fatal(err)
	}
	defer internal.Close()
	server := httptest.NewServer(internal)
	defer server.Close()
	res, err := http.Get(server.URL + "/metrics")
	if err != nil {
		b.t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		b.t.Fatal(err)
	}
	pattern := "(?m)^azuhost_app_" + name + `(?:_total|_sum)?\{`
	for _, l := range labels {
		pattern += fmt.Sprintf("%s=%q,", l.name, l.value)
	}
	m := regexp.MustCompile(pattern + `[^}]*\} (\S+)$`).FindStringSubmatch(string(text))
	if m == nil {
		return 0, false
	}
	value, err := strconv.ParseFloat(m[1], 64)
	return value, err == nil
}

// socket is a connection of the host.
type socket struct {
	ctx  context.Context
	conn *websocket.Conn
}

func (s *socket) send(kind abi.Kind, data string) error {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	return s.conn.Write(ctx, websocket.MessageType(kind), []byte(data))
}

func (s *socket) receive() (message, error) {
	ctx, cancel := context.WithTimeout(s.ctx, patience)
	defer cancel()
	kind, data, err := s.conn.Read(ctx)
	if closed := (websocket.CloseError{}); errors.As(err, &closed) {
		return message{}, &closedError{int(closed.Code), closed.Reason}
	}
	return message{abi.Kind(kind), string(data)}, err
}

// close does not return the errors of the library: one of them is that the host has closed the connection meanwhile.
func (s *socket) close(code int, reason string) error {
	_ = s.conn.Close(websocket.StatusCode(code), reason)
	return nil
}

func (s *socket) abort() error { return s.conn.CloseNow() }

func (s *socket) ping() (wait func() error) {
	done := make(chan error, 1)
	go func() { done <- s.conn.Ping(s.ctx) }()
	return func() error { return <-done }
}

// pong does nothing: the library answers the pings of a host with setup.hostPings.
func (s *socket) pong() error { return nil }
