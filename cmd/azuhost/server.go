package main

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/playground"
	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/admin"
)

// server is a running azuhost: a host, its listeners and the playground.
type server struct {
	src   *configSource
	log   *slog.Logger
	host  *host.Host
	admin *admin.Server // serves the internal listener; nil if the listener is off

	public   *listener
	internal *listener // nil if off

	// cfg is the current configuration. Only the goroutine of serve uses it.
	cfg *config.Config

	// A reload changes these while requests are served.
	level        slog.LevelVar
	cert         certificate
	playgroundOn atomic.Bool

	playground http.Handler
}

// start loads the configuration and starts to serve. After an error it has released everything.
func start(ctx context.Context, src *configSource) (*server, error) {
	cfg, _, err := src.load()
	if err != nil {
		return nil, src.report(err)
	}
	s := &server{src: src, cfg: cfg}
	s.log = newLog(src.proc.stderr, cfg.Log, &s.level)
	if src.dev != nil {
		s.log = slog.New(src.dev.console)
	}
	pair, err := readCertificate(cfg.TLS)
	if err != nil {
		return nil, err
	}
	// The listeners are opened first, so that an address in use is reported before plugins compile.
	if err := s.listen(ctx, cfg); err != nil {
		return nil, err
	}
	if err := s.newHost(ctx, cfg); err != nil {
		s.public.Close()
		s.internal.shutdown(ctx)
		return nil, err
	}
	s.playground = playground.Handler(func() any { return s.host.Routes() }, s.events())
	s.apply(cfg, pair)
	s.serve()
	return s, nil
}

// listen opens the listeners.
func (s *server) listen(ctx context.Context, cfg *config.Config) (err error) {
	if s.public, err = listen(ctx, "listen", cfg.Listen); err != nil {
		return err
	}
	if cfg.Internal == "" {
		return nil
	}
	if s.internal, err = listen(ctx, "internal", cfg.Internal); err != nil {
		s.public.Close()
	}
	return err
}

// newHost creates the host, which loads the plugins, and its admin server.
func (s *server) newHost(ctx context.Context, cfg *config.Config) (err error) {
	if s.host, err = host.New(s.options(cfg)); err != nil {
		return err
	}
	if s.internal == nil {
		return nil
	}
	s.admin, err = admin.New(s.host, admin.Options{Log: s.log, Token: string(cfg.InternalToken)})
	if err != nil {
		return errors.Join(err, s.host.Close(ctx))
	}
	return nil
}

// options returns the options of the host with the log.
func (s *server) options(cfg *config.Config) host.Options {
	o := cfg.Options()
	o.Log = s.log
	return o
}

// apply applies the parts of cfg that the host does not have.
func (s *server) apply(cfg *config.Config, pair *tls.Certificate) {
	s.cfg = cfg
	s.level.Set(logLevel(cfg.Log.Level))
	if s.src.dev != nil {
		s.src.dev.level.Set(logLevel(cfg.Log.Level))
	}
	s.cert.current.Store(pair)
	s.playgroundOn.Store(cfg.Playground)
}

// serve starts to serve both listeners and logs their addresses.
func (s *server) serve() {
	scheme, tlsConfig := "http", (*tls.Config)(nil)
	if s.cfg.TLS.Cert != "" {
		scheme, tlsConfig = "https", s.cert.config()
	}
	handshake := time.Duration(s.cfg.HandshakeTimeout)
	s.public.serve(s, handshake, handshake, tlsConfig, s.log)
	internal := "off"
	if s.internal != nil {
		s.internal.serve(s.admin, handshake, internalBodyTimeout, nil, s.log)
		internal = s.internal.Addr().String()
	}
	s.logRoutes()
	s.log.Info("listening", "address", s.public.Addr().String(), "tls", tlsConfig != nil, "internal", internal)
	if s.cfg.Playground {
		s.log.Info("playground", "url", scheme+"://"+browserAddress(s.public.Addr().String())+"/")
	}
}

// events returns the handler of the log that the playground shows. It is nil outside azuhost dev.
func (s *server) events() http.Handler {
	if s.src.dev == nil {
		return nil
	}
	return &s.src.dev.events
}

func (s *server) logRoutes() {
	routes := s.host.Routes()
	if len(routes) == 0 {
		s.log.Warn("no routes, all requests are answered with 404")
	}
	for _, r := range routes {
		s.log.Info("route", "path", r.Path, "plugin", r.Plugin, "version", r.Version, "instances", r.Instances)
	}
}

// browserAddress returns an address that a browser on this machine can open for a listener at addr.
func browserAddress(addr string) string {
	name, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(name); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		name = "localhost"
	}
	return net.JoinHostPort(name, port)
}

// ServeHTTP serves the channels, and the files of the playground if it is on.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.playgroundOn.Load() || r.Header.Get("Upgrade") != "" || !playground.Has(r.URL.Path):
		s.host.ServeHTTP(w, r)
	case !s.host.HostAllowed(r):
		// A page of another site can have a name that resolves to this host. It must not read the log.
		http.Error(w, "this host name is not allowed: add it to allowed_hosts", http.StatusForbidden)
	default:
		s.playground.ServeHTTP(w, r)
	}
}

// reload reads the configuration again and applies it. If it has a mistake, reload logs that and changes nothing.
func (s *server) reload(ctx context.Context) {
	if err := s.tryReload(ctx); err != nil {
		for line := range strings.SplitSeq(err.Error(), "\n") {
			s.log.Error("configuration not reloaded", "error", line)
		}
		return
	}
	s.logRoutes()
	s.log.Info("configuration reloaded")
}

func (s *server) tryReload(ctx context.Context) error {
	cfg, _, err := s.src.load()
	if err != nil {
		return err
	}
	if keys := s.cfg.RestartKeys(cfg); len(keys) > 0 {
		return fmt.Errorf("a change of %s needs a restart", strings.Join(keys, ", "))
	}
	pair, err := readCertificate(cfg.TLS)
	if err != nil {
		return err
	}
	if err := s.host.Reload(ctx, s.options(cfg)); err != nil {
		return err
	}
	if s.admin != nil {
		if err := s.admin.SetToken(string(cfg.InternalToken)); err != nil {
			return err
		}
	}
	s.apply(cfg, pair)
	return nil
}

// close shuts down in order: connections, public listener, plugins, internal listener. While connections are closed,
// the public listener answers handshakes with 503, which load balancers handle better than a refused connection. The
// internal listener comes last so that the shutdown can be observed.
func (s *server) close() error {
	timeout := time.Duration(s.cfg.ShutdownTimeout)
	s.log.Info("closing", "timeout", timeout)
	if s.src.dev != nil {
		s.src.dev.events.Close() // ends its requests, which shutdown waits for
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	s.public.disableKeepAlives()
	err := s.host.Drain(ctx)

	// Browsers keep connections open for later requests, and shutdown waits for them. It is cut off when the host is
	// closed.
	requests, cut := context.WithCancel(ctx)
	defer cut()
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		s.public.shutdown(requests)
	}()
	err = errors.Join(err, s.host.Close(ctx))
	cut()
	<-stopped
	last, end := context.WithTimeout(ctx, internalShutdownTimeout)
	defer end()
	s.internal.shutdown(last)
	if s.admin != nil {
		s.admin.Close()
	}
	if err != nil {
		return errors.Join(errors.New("shutdown_timeout ended before everything was closed"), err)
	}
	s.log.Info("closed")
	return nil
}
