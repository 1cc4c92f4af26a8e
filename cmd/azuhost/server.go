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

// server is azuhost while it serves.
type server struct {
	src  *source
	log  *slog.Logger
	host *host.Host
	// admin serves the internal listener. nil: the listener is off.
	admin *admin.Server

	public   *listener
	internal *listener // nil: off

	// cfg is what holds now; only the goroutine of serve touches it.
	cfg *config.Config

	// What reload changes while requests are answered.
	level      slog.LevelVar
	cert       certificate
	playground atomic.Bool
	page       http.Handler
}

// start loads everything and serves. On error nothing is left behind.
func start(ctx context.Context, src *source) (_ *server, err error) {
	cfg, _, err := src.load()
	if err != nil {
		return nil, src.report(err)
	}
	s := &server{src: src, cfg: cfg}
	s.log = newLog(src.w.stderr, cfg.Log, &s.level)
	if src.dev != nil {
		s.log = slog.New(src.dev.console)
	}
	pair, err := readCertificate(cfg.TLS)
	if err != nil {
		return nil, err
	}
	// Listeners first: an address in use is known before plugins compile.
	if s.public, err = listen(ctx, "listen", cfg.Listen); err != nil {
		return nil, err
	}
	if cfg.Internal != "" {
		if s.internal, err = listen(ctx, "internal", cfg.Internal); err != nil {
			s.public.Close()
			return nil, err
		}
	}
	if s.host, err = host.New(s.options(cfg)); err != nil {
		s.public.Close()
		s.internal.shutdown(ctx)
		return nil, err
	}
	if s.internal != nil {
		if s.admin, err = admin.New(s.host, admin.Options{Log: s.log, Token: string(cfg.InternalToken)}); err != nil {
			s.public.Close()
			s.internal.shutdown(ctx)
			return nil, errors.Join(err, s.host.Close(ctx))
		}
	}
	s.page = playground.Handler(func() any { return s.host.Routes() }, s.events())
	s.apply(cfg, pair)
	s.serve()
	return s, nil
}

func (s *server) options(cfg *config.Config) host.Options {
	o := cfg.Options()
	o.Log = s.log
	return o
}

// apply makes the parts of cfg hold that are not the host's.
func (s *server) apply(cfg *config.Config, pair *tls.Certificate) {
	s.cfg = cfg
	s.level.Set(logLevel(cfg.Log.Level))
	if s.src.dev != nil {
		s.src.dev.level.Set(logLevel(cfg.Log.Level))
	}
	s.cert.current.Store(pair)
	s.playground.Store(cfg.Playground)
}

// serve starts the listeners and says where they are.
func (s *server) serve() {
	scheme, tc := "http", s.cert.config()
	if s.cfg.TLS.Cert == "" {
		tc = nil
	} else {
		scheme = "https"
	}
	handshake := time.Duration(s.cfg.HandshakeTimeout)
	s.public.serve(s, handshake, handshake, tc, s.log)
	internal := "off"
	if s.internal != nil {
		s.internal.serve(s.admin, handshake, internalBody, nil, s.log)
		internal = s.internal.Addr().String()
	}
	s.logRoutes()
	s.log.Info("listening", "address", s.public.Addr().String(), "tls", tc != nil, "internal", internal)
	if s.cfg.Playground {
		s.log.Info("playground", "url", scheme+"://"+browserAddr(s.public.Addr().String())+"/")
	}
}

// events is what the playground shows of the log; nil: nothing.
func (s *server) events() http.Handler {
	if s.src.dev == nil {
		return nil
	}
	return &s.src.dev.events
}

func (s *server) logRoutes() {
	routes := s.host.Routes()
	if len(routes) == 0 {
		s.log.Warn("no routes: every request is answered with 404")
	}
	for _, r := range routes {
		s.log.Info("route", "path", r.Path, "plugin", r.Plugin, "version", r.Version, "instances", r.Instances)
	}
}

// browserAddr is the address that a browser on this machine can open.
func browserAddr(addr string) string {
	h, port, err := net.SplitHostPort(addr)
	if err != nil {
		return addr
	}
	if ip := net.ParseIP(h); ip == nil || ip.IsUnspecified() || ip.IsLoopback() {
		h = "localhost"
	}
	return net.JoinHostPort(h, port)
}

// ServeHTTP serves the playground's files where it is on, and channels.
func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	switch {
	case !s.playground.Load() || r.Header.Get("Upgrade") != "" || !playground.Has(r.URL.Path):
		s.host.ServeHTTP(w, r)
	case !s.host.HostAllowed(r): // or a page whose name leads here could read the log
		http.Error(w, "this host name is not served here; allowed_hosts names those that are", http.StatusForbidden)
	default:
		s.page.ServeHTTP(w, r)
	}
}

// reload reads the configuration again. What is wrong with it is logged, and
// then nothing changes.
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

// close ends everything in order: the sockets while the public listener still
// answers handshakes with 503, which a balancer understands better than a
// refused connection; then the public listener, the plugins, and last the
// internal listener, so that the end can be watched.
func (s *server) close() error {
	timeout := time.Duration(s.cfg.ShutdownTimeout)
	s.log.Info("closing", "timeout", timeout)
	if s.src.dev != nil {
		s.src.dev.events.Close() // or its requests would be waited for
	}
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()

	s.public.lastRequests()
	err := s.host.Drain(ctx)

	// Shutdown would wait for browsers that keep connections for later: it
	// gets as long as the host needs.
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
	last, end := context.WithTimeout(ctx, internalEnd)
	defer end()
	s.internal.shutdown(last)
	if s.admin != nil {
		s.admin.Close()
	}
	if err != nil {
		return errors.Join(errors.New("not everything closed in order within shutdown_timeout"), err)
	}
	s.log.Info("closed")
	return nil
}
