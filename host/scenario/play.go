package scenario

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// Options configure the host that plays a script.
type Options struct {
	// Route is the channel: Plugin, or Channel. The script takes precedence where
	// it has a path, a config or a grace. Without a path the route has the first
	// path that a client connects to.
	Route host.Route
	// CacheDir keeps compiled plugins between scenarios. Empty: no cache.
	CacheDir string
	// Log gets the host's log. nil: it is discarded.
	Log io.Writer
}

// TB is the part of *testing.T that Test needs.
type TB interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
}

// Test plays the script in a file. It fails t at the first error.
func Test(t TB, o Options, file string) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := Parse(file, string(text))
	if err == nil {
		err = s.Play(t.Context(), o)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// Play plays the script with a host of its own. It returns an *Error if
// something that the script expects does not happen.
func (s *Script) Play(ctx context.Context, o Options) (err error) {
	p, err := s.start(o)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	if err := errors.Join(s.playLines(ctx, p), p.close()); err != nil {
		return err
	}
	return s.unexpectedFailure(p)
}

func (s *Script) playLines(ctx context.Context, p *player) error {
	for _, l := range s.lines {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.log.setLine(l.n)
		if err := l.do(p); err != nil {
			return l.locate(s.Name, err)
		}
	}
	return nil
}

// unexpectedFailure returns an error if a hook has failed and no line expects it.
func (s *Script) unexpectedFailure(p *player) error {
	line, why, ok := p.log.unexpectedFailure()
	if !ok {
		return nil
	}
	e := &Error{
		File: s.Name, Line: line, Got: indentNext(why),
		Expected: "no hook that fails, unless a line expects it: receives ...INTERNAL_ERROR..., or log has TEXT",
	}
	for _, l := range s.lines {
		if l.n == line {
			e.Text = l.text
		}
	}
	return e
}

// locate adds the file and the line to an error.
func (l line) locate(file string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Why: err.Error()}
	}
	e.File, e.Line, e.Text = file, l.n, l.text
	return e
}

// player plays a script. It belongs to one goroutine.
type player struct {
	sim     *simulation
	host    *host.Host
	server  *http.Server
	serving sync.WaitGroup
	http    *http.Client
	clients map[string]*client
	log     *hostLog
	path    string
	dialed  *memConn // the client's side of the last connection
}

// start starts a host with the route of the script.
func (s *Script) start(o Options) (*player, error) {
	p := &player{sim: newSimulation(), clients: map[string]*client{}, log: newHostLog()}
	r := o.Route
	r.Path = cmp.Or(s.path, r.Path, "/")
	if s.config != nil {
		r.Config = s.config
	}
	r.PresenceGrace = cmp.Or(s.grace, r.PresenceGrace)
	p.path = r.Path
	log := slog.New(p.log)
	if o.Log != nil {
		text := slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelDebug})
		log = slog.New(slog.NewMultiHandler(p.log, text))
	}
	var err error
	p.host, err = host.New(host.Options{
		Routes: []host.Route{r}, Clock: &p.sim.clock, PingInterval: -1, CacheDir: o.CacheDir,
		AllowedHosts: []string{"*"}, AllowedOrigins: []string{"*"},
		Log: log,
	})
	if err != nil {
		return nil, err
	}
	p.serve()
	return p, nil
}

// serve connects p.http to the host.
func (p *player) serve() {
	handler := http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.sim.addUpgrades(1)
		defer p.sim.addUpgrades(-1)
		p.host.ServeHTTP(w, r)
	})
	l := newListener()
	p.server = &http.Server{Handler: handler, ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	p.serving.Go(func() { _ = p.server.Serve(l) })
	p.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			c, err := p.sim.dial(ctx, l)
			if err != nil {
				return nil, err
			}
			p.dialed = c
			return c, nil
		},
	}}
}

// close closes the clients and the host.
func (p *player) close() error {
	for _, c := range p.clients {
		_ = c.conn.CloseNow()
		<-c.done
	}
	ctx, cancel := context.WithTimeout(context.Background(), idleTimeout)
	defer cancel()
	err := errors.Join(p.host.Close(ctx), p.server.Close())
	p.serving.Wait()
	return err
}

// publish plays a line "publish to".
func (p *player) publish(kind, name string, m message) error {
	pub := host.Publication{Route: p.path, Kind: abi.Kind(m.kind), Data: []byte(m.data)}
	switch kind {
	case "room":
		pub.Room = name
	case "user":
		pub.Users = []string{name}
	case "all":
		pub.All = true
	}
	if _, err := p.host.Publish(context.Background(), pub); err != nil {
		return err
	}
	return p.sim.awaitIdle()
}

// logHas plays a line "log has".
func (p *player) logHas(text string) error {
	if p.log.contains(text) {
		return nil
	}
	return &Error{Expected: "a line with " + text, Got: "a log of\n" + indent(p.log.String())}
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}
