package socket

import (
	"bufio"
	"bytes"
	"context"
	"crypto/tls"
	"encoding/binary"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/frame"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience bounds the wait for what has to happen soon.
const patience = 20 * time.Second

// ways are the kinds of connections: "tcp" is direct, "tls" and "wrapped" are not.
var ways = []string{"tcp", "tls", "wrapped"}

// everyWay runs a test for each kind of connection.
func everyWay(t *testing.T, f func(t *testing.T, way string)) {
	for _, w := range ways {
		t.Run(w, func(t *testing.T) { f(t, w) })
	}
}

// server is a group behind an HTTP server.
type server struct {
	t            testing.TB
	way          string
	http         *httptest.Server
	group        *Group
	conns        sync.Map // channel that gets the handler, by the id of the client
	make         func() *handler
	opts         *Options
	subprotocols []string

	mu   sync.Mutex
	all  []*handler
	last int // id of the newest client
}

// closed is a call of OnClosed.
type closed struct {
	code   int
	reason string
}

// handler echoes messages, unless message is set, and records events.
type handler struct {
	conn    *Conn
	before  func(*handler) // called before the upgrade
	message func(h *handler, kind abi.Kind, p []byte)
	pings   chan string
	pongs   chan string
	closed  chan closed
	gone    chan struct{} // gets a value for each OnReleased
}

func newHandler() *handler {
	return &handler{
		pings: make(chan string, 1000), pongs: make(chan string, 1000),
		closed: make(chan closed, 10), gone: make(chan struct{}, 10),
	}
}

func (h *handler) OnMessage(kind abi.Kind, p []byte) {
	if h.message != nil {
		h.message(h, kind, p)
		return
	}
	h.conn.Deliver(frame.Append(nil, kind, p))
}

func (h *handler) OnPing(p []byte)                  { h.pings <- string(p) }
func (h *handler) OnPong(p []byte)                  { h.pongs <- string(p) }
func (h *handler) OnDrained()                       {}
func (h *handler) OnClosed(code int, reason string) { h.closed <- closed{code, reason} }
func (h *handler) OnReleased()                      { h.gone <- struct{}{} }

// wantClosed waits for OnClosed. server.stop checks that it comes once.
func (h *handler) wantClosed(t testing.TB, code int) {
	t.Helper()
	select {
	case c := <-h.closed:
		if c.code != code {
			t.Errorf("OnClosed got %d %q, want %d", c.code, c.reason, code)
		}
		h.closed <- c
	case <-time.After(patience):
		t.Fatal("OnClosed was not called")
	}
}

type serverOptions struct {
	timeouts Timeouts
	opts     Options
	// subprotocols of the server, the preferred one first
	subprotocols []string
	make         func() *handler
	small        bool // the host has small socket buffers
}

func serve(t testing.TB, way string, o serverOptions) *server {
	t.Helper()
	g, err := NewGroup(o.timeouts)
	if err != nil {
		t.Fatal(err)
	}
	if o.make == nil {
		o.make = newHandler
	}
	s := &server{t: t, way: way, group: g, make: o.make, opts: &o.opts, subprotocols: o.subprotocols}
	s.http = httptest.NewUnstartedServer(s)
	s.http.Config.ErrorLog = log.New(io.Discard, "", 0)
	s.http.Listener = &listener{s.http.Listener, o.small, way == "wrapped"}
	if way == "tls" {
		s.http.StartTLS()
	} else {
		s.http.Start()
	}
	t.Cleanup(s.stop)
	return s
}

// stop closes the server and checks that each connection was closed once.
func (s *server) stop() {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_ = s.group.Close(ctx, codeGoingAway, "")
	s.http.CloseClientConnections()
	s.http.Close()
	s.mu.Lock()
	defer s.mu.Unlock()
	for i, h := range s.all {
		if n := len(h.closed); n != 1 {
			s.t.Errorf("OnClosed was called %d times for connection %d, want once", n, i)
		}
		if n := len(h.gone); n != 1 {
			s.t.Errorf("OnReleased was called %d times for connection %d, want once", n, i)
		}
	}
	if n := len(s.group.all()); n != 0 {
		s.t.Errorf("%d connections in the group at the end, want 0", n)
	}
}

func (s *server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if status, text := CheckHandshake(r); status != 0 {
		http.Error(w, text, status)
		return
	}
	h := s.make()
	h.conn = s.group.NewConn(s.opts, false, h)
	s.mu.Lock()
	s.all = append(s.all, h)
	s.mu.Unlock()
	if h.before != nil {
		h.before(h)
	}
	if err := h.conn.Upgrade(w, r, Subprotocol(r, s.subprotocols)); err == nil {
		if up, ok := s.conns.LoadAndDelete(r.Header.Get("X-Id")); ok {
			up.(chan *handler) <- h
		}
	}
}

// listener returns connections with small buffers, or wrapped ones.
type listener struct {
	net.Listener
	small, wrap bool
}

func (l *listener) Accept() (net.Conn, error) {
	c, err := l.Listener.Accept()
	if err != nil {
		return nil, err
	}
	if l.small {
		_ = c.(*net.TCPConn).SetWriteBuffer(16 << 10)
	}
	if l.wrap {
		return struct{ net.Conn }{c}, nil
	}
	return c, nil
}

// client writes and reads raw frames.
type client struct {
	net.Conn
	t           testing.TB
	br          *bufio.Reader
	subprotocol string // chosen by the server
}

// noDeadline clears a deadline.
var noDeadline time.Time

const request = "GET / HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
	"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"

// dial connects a client. early is sent together with the handshake.
func (s *server) dial(t testing.TB, early ...[]byte) (*client, *handler) {
	t.Helper()
	return s.dialWith(t, "", early...)
}

// dialWith is dial with more headers.
func (s *server) dialWith(t testing.TB, headers string, early ...[]byte) (*client, *handler) {
	t.Helper()
	n, err := net.Dial("tcp", s.http.Listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	if s.way == "tls" {
		n = tls.Client(n, &tls.Config{InsecureSkipVerify: true})
	}
	c := &client{Conn: n, t: t, br: bufio.NewReader(n)}
	t.Cleanup(func() { _ = n.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	s.mu.Lock()
	s.last++
	id := strconv.Itoa(s.last)
	s.mu.Unlock()
	up := make(chan *handler, 1)
	s.conns.Store(id, up)
	c.send(append([][]byte{[]byte(request + headers + "X-Id: " + id + "\r\n\r\n")}, early...)...)
	r, err := http.ReadResponse(c.br, nil)
	if err != nil {
		t.Fatal(err)
	}
	if r.StatusCode != http.StatusSwitchingProtocols {
		t.Fatalf("the answer to the handshake is %s", r.Status)
	}
	if got := r.Header.Get("Sec-Websocket-Accept"); got != "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" {
		t.Errorf("Sec-WebSocket-Accept is %q", got)
	}
	c.subprotocol = r.Header.Get("Sec-Websocket-Protocol")
	select {
	case h := <-up:
		return c, h
	case <-time.After(patience):
		t.Fatal("the connection was not upgraded")
		return nil, nil
	}
}

// send writes parts in one call.
func (c *client) send(parts ...[]byte) {
	c.t.Helper()
	if _, err := c.Write(bytes.Join(parts, nil)); err != nil {
		c.t.Fatal(err)
	}
}

// read reads one frame as strictly as RFC 6455, section 5 demands.
func (c *client) read() (op byte, p []byte, err error) {
	var h [2]byte
	if _, err := io.ReadFull(c.br, h[:]); err != nil {
		return 0, nil, err
	}
	if h[0]&0xf0 != 0x80 || h[1]&0x80 != 0 {
		return 0, nil, fmt.Errorf("the server sent a frame that begins with % x", h)
	}
	n := uint64(h[1])
	switch n {
	case 126:
		var v uint16
		err = binary.Read(c.br, binary.BigEndian, &v)
		n = uint64(v)
	case 127:
		err = binary.Read(c.br, binary.BigEndian, &n)
	}
	if err != nil || n > 64<<20 {
		return 0, nil, fmt.Errorf("the server sent a length of %d: %w", n, err)
	}
	p = make([]byte, n)
	if _, err := io.ReadFull(c.br, p); err != nil {
		return 0, nil, fmt.Errorf("the server sent a truncated frame: %w", err)
	}
	return h[0] & 0x0f, p, nil
}

// want reads the next frame.
func (c *client) want(op byte, payload string) {
	c.t.Helper()
	got, p, err := c.read()
	if err != nil {
		c.t.Fatal(err)
	}
	if got != op || string(p) != payload {
		c.t.Fatalf("got frame %#x %.60q, want %#x %.60q", got, p, op, payload)
	}
}

// wantClose reads up to the close frame and checks its code; 1005 means none.
func (c *client) wantClose(code int) {
	c.t.Helper()
	for {
		op, p, err := c.read()
		if err != nil {
			c.t.Fatalf("no close frame: %v", err)
		}
		if op != frame.OpClose {
			continue
		}
		got := codeNoStatus
		if len(p) >= 2 {
			got = int(binary.BigEndian.Uint16(p))
		}
		if got != code {
			c.t.Errorf("close frame %d %q, want %d", got, p[min(2, len(p)):], code)
		}
		return
	}
}

// wantEnd waits for the end of the connection, clean or not.
func (c *client) wantEnd() {
	c.t.Helper()
	op, p, err := c.read()
	if err == nil {
		c.t.Errorf("got frame %#x %.60q, want the end", op, p)
	} else if ne, ok := err.(net.Error); ok && ne.Timeout() {
		c.t.Error("the connection did not end")
	}
}

// masked returns a masked frame, as a client sends it; b0 is its first byte.
func masked(b0 byte, payload string) []byte {
	var b []byte
	switch n := len(payload); {
	case n < 126:
		b = []byte{b0, 0x80 | byte(n)}
	case n < 1<<16:
		b = binary.BigEndian.AppendUint16([]byte{b0, 0x80 | 126}, uint16(n))
	default:
		b = binary.BigEndian.AppendUint64([]byte{b0, 0x80 | 127}, uint64(n))
	}
	mask := [4]byte{0x12, 0xf3, 0x04, 0x85}
	b = append(b, mask[:]...)
	for i := range len(payload) {
		b = append(b, payload[i]^mask[i%4])
	}
	return b
}

// First bytes of frames.
const (
	fin    = 0x80
	text   = fin | frame.OpText
	binMsg = fin | frame.OpBinary
	ping   = fin | frame.OpPing
	pong   = fin | frame.OpPong
)

func closeFrame(code int, reason string) []byte {
	return masked(fin|frame.OpClose, string(binary.BigEndian.AppendUint16(nil, uint16(code)))+reason)
}

// until waits for a state that no event announces.
func until(t testing.TB, what string, cond func() bool) {
	t.Helper()
	end := time.Now().Add(patience)
	for !cond() {
		if time.Now().After(end) {
			t.Fatalf("timeout: %s", what)
		}
		runtime.Gosched()
	}
}

func repeat(s string, n int) string { return strings.Repeat(s, n) }
