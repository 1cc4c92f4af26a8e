package main

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
)

// serveHandler serves h until the end of the test. body bounds the time of request bodies.
func serveHandler(t *testing.T, body time.Duration, h http.Handler) *listener {
	t.Helper()
	l, err := listen(t.Context(), "listen", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.serve(h, testTimeout, body, nil, slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), testTimeout)
		defer cancel()
		l.shutdown(ctx)
	})
	return l
}

// dialAndWrite connects to l and writes text. The connection is closed at the end of the test.
func dialAndWrite(t *testing.T, l *listener, text string) (net.Conn, *bufio.Reader) {
	t.Helper()
	c, err := net.Dial("tcp", l.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetDeadline(time.Now().Add(testTimeout))
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	return c, bufio.NewReader(c)
}

// TestMissingBody: a request whose body does not arrive is answered, and its connection ends, whether the handler reads
// the body or not.
func TestMissingBody(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/ignores", http.NotFound)
	mux.HandleFunc("/reads", func(w http.ResponseWriter, r *http.Request) {
		if _, err := io.ReadAll(r.Body); err != nil {
			http.Error(w, "no body", http.StatusBadRequest)
		}
	})
	l := serveHandler(t, 50*time.Millisecond, mux)
	for path, status := range map[string]string{"/ignores": "404", "/reads": "400"} {
		for _, length := range []string{"Content-Length: 100", "Transfer-Encoding: chunked"} {
			_, r := dialAndWrite(t, l, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\n%s\r\n\r\n", path, length))
			all, err := io.ReadAll(r)
			if err != nil || !strings.HasPrefix(string(all), "HTTP/1.1 "+status) {
				t.Errorf("%s, %s: %v, %q", path, length, err, all)
			}
		}
	}
}

// TestCompleteBody: after a body has arrived, its time bounds neither the handler nor the next request.
func TestCompleteBody(t *testing.T) {
	const limit = 100 * time.Millisecond
	l := serveHandler(t, limit, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		text, err := io.ReadAll(r.Body)
		select {
		case <-r.Context().Done():
			err = r.Context().Err()
		case <-time.After(4 * limit):
		}
		fmt.Fprint(w, string(text), err)
	}))
	const request = "POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nhello"
	c, r := dialAndWrite(t, l, request)
	for range 2 {
		res, err := http.ReadResponse(r, nil)
		if err != nil {
			t.Fatal(err)
		}
		if text, err := io.ReadAll(res.Body); err != nil || string(text) != "hello<nil>" {
			t.Fatalf("%v, %q", err, text)
		}
		if _, err := io.WriteString(c, request); err != nil {
			t.Fatal(err)
		}
	}
}

// TestCloseDoesNotWaitForBody: a running request to the internal listener does not delay a shutdown until
// shutdown_timeout.
func TestCloseDoesNotWaitForBody(t *testing.T) {
	s := startServer(t, config.Setting{Key: "shutdown_timeout", Text: "10m"})
	_, r := dialAndWrite(t, s.internal, "POST /api/v1/publish HTTP/1.1\r\nHost: localhost\r\n"+
		"Content-Type: application/json\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n")
	if line, err := r.ReadString('\n'); err != nil || !strings.Contains(line, " 100 ") {
		t.Fatalf("%v, %q", err, line)
	}
	began := time.Now()
	if err := s.close(); err != nil {
		t.Error(err)
	}
	if took := time.Since(began); took > internalBodyTimeout/2 {
		t.Errorf("the shutdown took %s", took)
	}
}
