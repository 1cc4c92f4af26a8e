package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"syscall"
	"time"
)

// Bounds of HTTP that nobody had to change yet.
const (
	maxHeader = 16 << 10
	// idleTimeout ends connections that were kept alive after a request.
	// WebSockets are not bound by it.
	idleTimeout = 60 * time.Second
	// internalBody is the time for the body of a request to the internal
	// listener: of 8 MiB at most.
	internalBody = 30 * time.Second
	// internalEnd is how long the end waits for requests to the internal listener.
	// The host is closed by then: there is nothing left that they could change.
	internalEnd = 2 * time.Second
)

// listener is an HTTP server on one address.
type listener struct {
	net.Listener
	server *http.Server
	done   chan error
}

// listen opens an address and does not serve yet. key is the config key that
// the address comes from.
func listen(ctx context.Context, key, addr string) (*listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: %s is in use by another program: end that one, or choose another address with --%s", key, addr, key)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: no permission to listen at %s: choose a port above 1023 with --%s", key, addr, key)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return &listener{Listener: ln, done: make(chan error, 1)}, nil
}

// serve starts to answer requests. headers and body are the times that a client
// has to send them. tc may be nil.
//
// Only HTTP/1.1 is spoken: a WebSocket handshake needs its Upgrade (RFC 6455,
// section 4.1), and with TLS a browser would otherwise agree on HTTP/2.
func (l *listener) serve(h http.Handler, headers, body time.Duration, tc *tls.Config, log *slog.Logger) {
	l.server = &http.Server{
		Handler:           bodiesWithin(body, h),
		ReadHeaderTimeout: headers,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         tc,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		Protocols:         new(http.Protocols),
	}
	l.server.Protocols.SetHTTP1(true)
	go func() {
		if tc != nil {
			l.done <- l.server.ServeTLS(l.Listener, "", "")
		} else {
			l.done <- l.server.Serve(l.Listener)
		}
	}()
}

// lastRequests has clients ask no second time on the same connection: the next
// time they may find another node.
func (l *listener) lastRequests() {
	if l.server != nil {
		l.server.SetKeepAlivesEnabled(false)
	}
}

// shutdown stops listening at once and waits for running requests until ctx
// is done; then it cuts them off. It does not know of WebSockets.
func (l *listener) shutdown(ctx context.Context) {
	if l == nil {
		return
	}
	if l.server == nil {
		l.Close()
		return
	}
	if l.server.Shutdown(ctx) != nil {
		l.server.Close()
	}
	<-l.done
}

// failed receives what ended the server, if that was not shutdown. A nil
// listener never fails.
func (l *listener) failed() <-chan error {
	if l == nil {
		return nil
	}
	return l.done
}
