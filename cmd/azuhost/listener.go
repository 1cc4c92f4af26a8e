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

// Limits of HTTP that have no config key.
const (
	// maxHeader bounds the headers of a request, in bytes.
	maxHeader = 16 << 10
	// idleTimeout bounds the time that a connection waits for its next request. It does not apply to WebSockets.
	idleTimeout = 60 * time.Second
	// internalBodyTimeout bounds the time for the body of a request to the internal listener, of at most 8 MiB.
	internalBodyTimeout = 30 * time.Second
	// internalShutdownTimeout bounds the time that a shutdown waits for requests to the internal listener. The host is
	// closed by then, so they cannot change it.
	internalShutdownTimeout = 2 * time.Second
)

// listener is an HTTP server at one address.
type listener struct {
	net.Listener
	server *http.Server // nil until serve
	done   chan error   // receives the error that ended server
}

// listen opens a listener and does not serve yet. key is the config key of the address.
func listen(ctx context.Context, key, addr string) (*listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s: another program uses %s: end it, or choose another address with --%s", key, addr, key)
	case errors.Is(err, syscall.EACCES):
		return nil, fmt.Errorf("%s: no permission to listen at %s: choose a port above 1023 with --%s", key, addr, key)
	case err != nil:
		return nil, fmt.Errorf("%s: %w", key, err)
	}
	return &listener{Listener: ln, done: make(chan error, 1)}, nil
}

// serve starts to serve h. headers and body bound the time that a client has to send them. Without tlsConfig, it serves
// plain HTTP.
//
// It speaks HTTP/1.1 only. A WebSocket handshake needs its Upgrade (RFC 6455, section 4.1), and over TLS a browser
// would otherwise choose HTTP/2.
func (l *listener) serve(h http.Handler, headers, body time.Duration, tlsConfig *tls.Config, log *slog.Logger) {
	l.server = &http.Server{
		Handler:           withBodyDeadline(body, h),
		ReadHeaderTimeout: headers,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeader,
		TLSConfig:         tlsConfig,
		ErrorLog:          slog.NewLogLogger(log.Handler(), slog.LevelWarn),
		Protocols:         new(http.Protocols),
	}
	l.server.Protocols.SetHTTP1(true)
	go func() {
		if tlsConfig != nil {
			l.done <- l.server.ServeTLS(l.Listener, "", "")
		} else {
			l.done <- l.server.Serve(l.Listener)
		}
	}()
}

// disableKeepAlives ends each connection after its next answer, so that clients connect again, perhaps to another node.
func (l *listener) disableKeepAlives() {
	if l.server != nil {
		l.server.SetKeepAlivesEnabled(false)
	}
}

// shutdown stops listening at once. It waits for running requests until ctx is done, and then cuts them off. It does
// not wait for WebSockets. A nil listener is shut down already.
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

// failed receives the error that ended the server without shutdown. A nil listener never fails.
func (l *listener) failed() <-chan error {
	if l == nil {
		return nil
	}
	return l.done
}
