package scenario

import (
	"cmp"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/host"
	"github.com/azuhost/azuhost/host/abi"
)

// Options say what is played with.
type Options struct {
	// Route is the channel: Plugin, or Channel. What the script says of the route
	// (path, config, grace) stands above. Without a path the first that a client
	// connects to is taken.
	Route host.Route
	// CacheDir keeps compiled plugins, so that the next scenario starts at once.
	CacheDir string
	// Log gets the host's log. nil: it is dropped.
	Log io.Writer
}

// TB is what Test needs of *testing.T.
type TB interface {
	Helper()
	Context() context.Context
	Fatal(args ...any)
}

// Test plays the script in a file, for go test.
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

// play is a scenario that is played.
type play struct {
	world    *world
	host     *host.Host
	http     *http.Client
	listener *listener
	clients  map[string]*client
	journal  *journal
	path     string
	dialed   *end // the client's side of the last connection
}

// Play plays the script from its beginning, with a host of its own. The error
// is an *Error for what did not come about.
func (s *Script) Play(ctx context.Context, o Options) (err error) {
	p, end, err := s.start(o)
	if err != nil {
		return fmt.Errorf("%s: %w", s.Name, err)
	}
	if err := errors.Join(s.playLines(ctx, p), end()); err != nil {
		return err
	}
	return s.unexpected(p)
}

func (s *Script) playLines(ctx context.Context, p *play) error {
	for _, l := range s.lines {
		if err := ctx.Err(); err != nil {
			return err
		}
		p.journal.at(l.n)
		if err := l.do(p); err != nil {
			return l.failed(s.Name, err)
		}
	}
	return nil
}

// unexpected is the error of a script that no line of is about a hook that failed.
func (s *Script) unexpected(p *play) error {
	at, why, ok := p.journal.unexpected()
	if !ok {
		return nil
	}
	e := &Error{
		File:     s.Name,
		Line:     at,
		Expected: "no hook that fails, unless a line is about it: receives ...INTERNAL_ERROR..., or log has TEXT",
		Got:      nested(why),
	}
	for _, l := range s.lines {
		if l.n == at {
			e.Text = l.text
		}
	}
	return e
}

// failed puts the place of the line to an error.
func (l line) failed(file string, err error) error {
	var e *Error
	if !errors.As(err, &e) {
		e = &Error{Why: err.Error()}
	}
	e.File, e.Line, e.Text = file, l.n, l.text
	return e
}

// start makes the host.
func (s *Script) start(o Options) (p *play, end func() error, err error) {
	p = &play{world: newWorld(), clients: map[string]*client{}, listener: newListener(), journal: newJournal()}
	r := o.Route
	r.Path = cmp.Or(s.path, r.Path, "/")
	if s.config != nil {
		r.Config = s.config
	}
	r.PresenceGrace = cmp.Or(s.grace, r.PresenceGrace)
	p.path = r.Path
	log := slog.New(p.journal)
	if o.Log != nil {
		text := slog.NewTextHandler(o.Log, &slog.HandlerOptions{Level: slog.LevelDebug})
		log = slog.New(slog.NewMultiHandler(p.journal, text))
	}
	p.host, err = host.New(host.Options{
		Routes: []host.Route{r}, Clock: &p.world.clock, PingInterval: -1, CacheDir: o.CacheDir,
		AllowedHosts: []string{"*"}, AllowedOrigins: []string{"*"},
		Log: log,
	})
	if err != nil {
		return nil, nil, err
	}
	server := &http.Server{Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.world.handshake(1)
		defer p.world.handshake(-1)
		p.host.ServeHTTP(w, r)
	}), ErrorLog: slog.NewLogLogger(slog.DiscardHandler, slog.LevelError)}
	var serving sync.WaitGroup
	serving.Go(func() { _ = server.Serve(p.listener) })
	p.http = &http.Client{Transport: &http.Transport{
		DisableKeepAlives: true,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			e, err := p.world.dial(ctx, p.listener)
			if err != nil {
				return nil, err
			}
			p.dialed = e
			return e, nil
		},
	}}
	return p, func() error {
		for _, c := range p.clients {
			_ = c.conn.CloseNow()
			<-c.done
		}
		ctx, cancel := context.WithTimeout(context.Background(), restTimeout)
		defer cancel()
		err := errors.Join(p.host.Close(ctx), server.Close())
		serving.Wait()
		return err
	}, nil
}

// client is one of the script's.
type client struct {
	conn *websocket.Conn
	done chan struct{} // closed when its reader has ended

	mu       sync.Mutex
	received []received // and not looked at yet
	code     int        // of the close; 0: open
	reason   string
}

type received struct {
	kind websocket.MessageType
	data string
}

func (r received) String() string {
	if r.kind == websocket.MessageBinary {
		return "bytes " + hex.EncodeToString([]byte(r.data))
	}
	return r.data
}

// maxMessage is the largest message that a client takes.
const maxMessage = 64 << 20

func (p *play) dial(target string, headers map[string]string) (*websocket.Conn, *http.Response, error) {
	ctx, cancel := context.WithTimeout(context.Background(), restTimeout)
	defer cancel()
	o := &websocket.DialOptions{HTTPClient: p.http, HTTPHeader: http.Header{}}
	for k, v := range headers {
		switch k {
		case "Host":
			o.Host = v
		case "Sec-WebSocket-Protocol":
			o.Subprotocols = strings.FieldsFunc(v, func(r rune) bool { return r == ' ' || r == ',' })
		default:
			o.HTTPHeader.Set(k, v)
		}
	}
	return websocket.Dial(ctx, "ws://localhost"+target, o)
}

func (p *play) connect(name, target string, headers map[string]string) error {
	if c := p.clients[name]; c != nil && c.open() {
		return fmt.Errorf("%s is connected already", name)
	}
	conn, res, err := p.dial(target, headers)
	if err != nil {
		if res != nil {
			return &Error{
				Expected: "a connection",
				Got:      fmt.Sprintf("refused with %d%s", res.StatusCode, p.journal.lastFailure()),
			}
		}
		return err
	}
	conn.SetReadLimit(maxMessage)
	c := &client{conn: conn, done: make(chan struct{})}
	p.clients[name] = c
	p.world.reads(p.dialed, true)
	here := p.dialed
	go c.read(func() { p.world.reads(here, false) })
	return p.world.rest()
}

func (p *play) refused(name, target string, headers map[string]string, status int) error {
	conn, res, err := p.dial(target, headers)
	if err == nil {
		_ = conn.CloseNow()
		return &Error{Expected: fmt.Sprintf("refused with %d", status), Got: "a connection"}
	}
	if res == nil {
		return err
	}
	if res.StatusCode != status {
		return &Error{
			Expected: fmt.Sprintf("refused with %d", status),
			Got:      fmt.Sprintf("refused with %d%s", res.StatusCode, p.journal.lastFailure()),
		}
	}
	if status >= 500 {
		p.journal.expected()
	}
	return p.world.rest()
}

func (c *client) read(ended func()) {
	defer ended()
	defer close(c.done)
	for {
		kind, data, err := c.conn.Read(context.Background())
		c.mu.Lock()
		if err != nil {
			var ce websocket.CloseError
			if errors.As(err, &ce) {
				c.code, c.reason = int(ce.Code), ce.Reason
			} else {
				c.code = 1006
			}
			c.mu.Unlock()
			_ = c.conn.CloseNow()
			return
		}
		c.received = append(c.received, received{kind, string(data)})
		c.mu.Unlock()
	}
}

func (c *client) open() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.code == 0
}

// client finds one by its name.
func (p *play) client(name string) (*client, error) {
	if c := p.clients[name]; c != nil {
		return c, nil
	}
	return nil, fmt.Errorf("%s has not connected", name)
}

// acting finds one that is connected.
func (p *play) acting(name string) (*client, error) {
	c, err := p.client(name)
	if err == nil && !c.open() {
		return nil, fmt.Errorf("%s is closed with %d %s", name, c.code, c.reason)
	}
	return c, err
}

func (p *play) send(name string, kind websocket.MessageType, data string) error {
	c, err := p.acting(name)
	if err != nil {
		return err
	}
	if err := c.conn.Write(context.Background(), kind, []byte(data)); err != nil {
		return err
	}
	return p.world.rest()
}

func (p *play) ping(name, _ string) error {
	c, err := p.acting(name)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(context.Background(), restTimeout)
	defer cancel()
	if err := c.conn.Ping(ctx); err != nil {
		return err
	}
	return p.world.rest()
}

func (p *play) receive(name string, kind websocket.MessageType, want string) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.received) == 0 {
		got := "nothing"
		if c.code != 0 {
			got = fmt.Sprintf("closed with %d %s", c.code, c.reason)
		}
		return &Error{Expected: received{kind, want}.String(), Got: got + p.journal.lastFailure()}
	}
	got := c.received[0]
	if got.kind != kind || kind == websocket.MessageText && !matches(want, got.data) ||
		kind == websocket.MessageBinary && want != got.data {
		return &Error{Expected: received{kind, want}.String(), Got: p.shown(got)}
	}
	if strings.Contains(want, internalError) {
		p.journal.expected()
	}
	c.received = c.received[1:]
	return nil
}

func (p *play) receiveNothing(name string) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.received) > 0 {
		return &Error{Expected: "nothing", Got: p.shown(c.received[0])}
	}
	return nil
}

// internalError is the code of the message that clients get when their hook failed.
const internalError = "INTERNAL_ERROR"

// shown is a message for an error, and why the hook failed if it says that one has.
func (p *play) shown(r received) string {
	if strings.Contains(r.data, internalError) {
		return r.String() + p.journal.lastFailure()
	}
	return r.String()
}

func (p *play) ignore(name string) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.received = nil
	return nil
}

func (p *play) disconnect(name string, code int, reason string) error {
	c, err := p.acting(name)
	if err != nil {
		return err
	}
	if err := c.conn.Close(websocket.StatusCode(code), reason); err != nil && websocket.CloseStatus(err) == -1 {
		return err
	}
	<-c.done
	return p.world.rest()
}

func (p *play) vanish(name string) error {
	c, err := p.acting(name)
	if err != nil {
		return err
	}
	_ = c.conn.CloseNow()
	<-c.done
	return p.world.rest()
}

func (p *play) closed(name string, code int, reason string) error {
	c, err := p.client(name)
	if err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	want := strings.TrimSpace(fmt.Sprintf("closed with %d %s", code, reason))
	if c.code == 0 {
		return &Error{Expected: want, Got: "open" + p.journal.lastFailure()}
	}
	if got := strings.TrimSpace(
		fmt.Sprintf("closed with %d %s", c.code, c.reason),
	); c.code != code ||
		reason != "" && !matchesText(reason, c.reason) {
		return &Error{Expected: want, Got: got}
	}
	if code == 1011 {
		p.journal.expected()
	}
	if len(c.received) > 0 {
		return &Error{Expected: want, Got: p.shown(c.received[0]) + ", which no line is about, before it"}
	}
	return nil
}

func (p *play) publish(kind, name string, typ websocket.MessageType, data string) error {
	pub := host.Publication{Route: p.path, Kind: abi.Kind(typ), Data: []byte(data)}
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
	return p.world.rest()
}

func (p *play) logHas(text string) error {
	if p.journal.has(text) {
		return nil
	}
	return &Error{Expected: "a line with " + text, Got: "a log of\n" + indent(p.journal.String())}
}

func indent(text string) string {
	return "    " + strings.ReplaceAll(strings.TrimSpace(text), "\n", "\n    ")
}

var _ net.Conn = (*end)(nil)
