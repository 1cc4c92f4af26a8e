package broker

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/azuhost/azuhost/host/abi"
	"github.com/azuhost/azuhost/host/internal/hub"
	"go.uber.org/goleak"
)

// The client of Redis leaves a goroutine that sleeps for up to a second and ends.
func TestMain(m *testing.M) {
	goleak.VerifyTestMain(m, goleak.IgnoreAnyFunction("github.com/redis/rueidis.(*call).DelayDo.func1"))
}

// redis is a real server.
type redis struct {
	t    testing.TB
	dir  string
	port int
	cmd  *exec.Cmd
	proc chan error
}

func startRedis(t testing.TB) *redis {
	t.Helper()
	if _, err := exec.LookPath("redis-server"); err != nil {
		t.Skip("redis-server is missing: apt-get install redis-server")
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	r := &redis{t: t, dir: t.TempDir(), port: ln.Addr().(*net.TCPAddr).Port}
	ln.Close()
	r.start()
	t.Cleanup(r.stop)
	return r
}

func (r *redis) start() {
	r.t.Helper()
	r.cmd = exec.Command("redis-server", "--port", strconv.Itoa(r.port), "--bind", "127.0.0.1", "--dir", r.dir,
		"--save", "", "--appendonly", "yes", "--appendfsync", "always")
	log, err := os.OpenFile(filepath.Join(r.dir, "log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		r.t.Fatal(err)
	}
	defer log.Close()
	r.cmd.Stdout, r.cmd.Stderr = log, log
	if err := r.cmd.Start(); err != nil {
		r.t.Fatal(err)
	}
	r.proc = make(chan error, 1)
	go func(c *exec.Cmd, done chan error) { done <- c.Wait() }(r.cmd, r.proc)
	eventually(r.t, "Redis answers", func() bool {
		c, err := net.Dial("tcp", r.addr())
		if err != nil {
			return false
		}
		defer c.Close()
		_ = c.SetDeadline(time.Now().Add(time.Second))
		fmt.Fprint(c, "PING\r\n")
		var b [5]byte
		_, err = c.Read(b[:])
		return err == nil && string(b[:]) == "+PONG"
	})
}

func (r *redis) addr() string { return "127.0.0.1:" + strconv.Itoa(r.port) }
func (r *redis) url() string  { return "redis://" + r.addr() }

func (r *redis) stop() {
	if r.cmd == nil {
		return
	}
	_ = r.cmd.Process.Signal(syscall.SIGCONT)
	_ = r.cmd.Process.Signal(syscall.SIGKILL)
	<-r.proc
	r.cmd = nil
}

func (r *redis) signal(s syscall.Signal) {
	if err := r.cmd.Process.Signal(s); err != nil {
		r.t.Fatal(err)
	}
}

func eventually(t testing.TB, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !ok(); time.Sleep(2 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("not within 20 s: %s", what)
		}
	}
}

// proxy stands between a node and Redis: it can cut, and be slow.
type proxy struct {
	ln net.Listener
	to string

	mu    sync.Mutex
	conns map[net.Conn]bool
	shut  bool
	delay time.Duration
	wait  sync.WaitGroup
}

func startProxy(t testing.TB, to string) *proxy {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{ln: ln, to: to, conns: map[net.Conn]bool{}}
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		ln.Close()
		p.cut(true)
		p.wait.Wait()
	})
	return p
}

func (p *proxy) url() string { return "redis://" + p.ln.Addr().String() }

func (p *proxy) accept() {
	for {
		a, err := p.ln.Accept()
		if err != nil {
			return
		}
		b, err := net.Dial("tcp", p.to)
		p.mu.Lock()
		if err != nil || p.shut {
			p.mu.Unlock()
			a.Close()
			if err == nil {
				b.Close()
			}
			continue
		}
		p.conns[a], p.conns[b] = true, true
		p.mu.Unlock()
		p.wait.Go(func() { p.pipe(a, b) })
		p.wait.Go(func() { p.pipe(b, a) })
	}
}

func (p *proxy) pipe(from, to net.Conn) {
	buf := make([]byte, 32<<10)
	for {
		n, err := from.Read(buf)
		p.mu.Lock()
		d := p.delay
		p.mu.Unlock()
		time.Sleep(d)
		if n > 0 {
			if _, err := to.Write(buf[:n]); err != nil {
				break
			}
		}
		if err != nil {
			break
		}
	}
	from.Close()
	to.Close()
	p.mu.Lock()
	delete(p.conns, from)
	delete(p.conns, to)
	p.mu.Unlock()
}

// cut ends all connections; shut refuses new ones.
func (p *proxy) cut(shut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = shut
	for c := range p.conns {
		c.Close()
	}
}

func (p *proxy) open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = false
}

func (p *proxy) slow(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}

// node is a broker with a member in each topic that it subscribes.
type node struct {
	*Broker
	t    testing.TB
	name string

	mu     sync.Mutex
	got    map[string][]string // by name of the topic
	last   map[string]Position
	places map[string]Position
	events []event
}

func startNode(t testing.TB, name, url string, change ...func(*Options)) *node {
	t.Helper()
	n := &node{t: t, name: name, got: map[string][]string{}, last: map[string]Position{}, places: map[string]Position{}}
	o := Options{URL: url, Node: name, Timeout: 500 * time.Millisecond, TTL: 2 * time.Second, Deliver: n.deliver, Pass: n.pass,
		Place: n.place, Presence: n.presence, Command: func(c Command) int { return int(c.Conn) }}
	if testing.Verbose() {
		o.Log = slog.New(slog.NewTextHandler(os.Stderr, nil)).With("on", name)
	}
	for _, f := range change {
		f(&o)
	}
	b, err := New(o)
	if err != nil {
		t.Fatal(err)
	}
	n.Broker = b
	t.Cleanup(n.close)
	return n
}

func (n *node) close() {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	_ = n.Close(ctx)
}

func (n *node) linked() {
	n.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
	defer cancel()
	if err := n.Wait(ctx); err != nil {
		n.t.Fatal(err)
	}
}

func (n *node) deliver(t Topic, first Position, messages []Message) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	for i, m := range messages {
		n.got[t.Name] = append(n.got[t.Name], textOf(m))
		if first.Offset > 0 {
			n.follow(t, Position{first.Epoch, first.Offset + uint64(i)})
		}
	}
	return 1
}

// follow checks that positions have no gap; mu is held.
func (n *node) follow(t Topic, at Position) {
	was := n.last[t.Name]
	if t.Size > 0 && was.Epoch == at.Epoch && at.Offset != was.Offset+1 {
		n.t.Errorf("%s: %s is at %d after %d", n.name, t.Name, at.Offset, was.Offset)
	}
	n.last[t.Name] = at
}

func (n *node) pass(t Topic, at Position) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.follow(t, at)
}

func (n *node) place(t Topic, at Position) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.places[t.Name] = at
	if n.last[t.Name].Epoch != at.Epoch || t.Size == 0 {
		n.last[t.Name] = at
	}
}

func (n *node) presence(c Change, heir bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.events = append(n.events, event{c, heir})
}

func (n *node) texts(name string) []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return append([]string(nil), n.got[name]...)
}

func (n *node) say(t Topic, format string, args ...any) {
	n.Publish(t, Message{Frame: frame(fmt.Sprintf(format, args...))})
}

// settled waits until a topic is subscribed.
func (n *node) settled(t Topic) {
	n.t.Helper()
	eventually(n.t, "subscribed", func() bool {
		n.Broker.mu.Lock()
		defer n.Broker.mu.Unlock()
		x := n.topics[n.channelOf(t)]
		return x != nil && x.subscribed
	})
}

func frame(text string) []byte { return hub.AppendFrame(nil, abi.Text, []byte(text)) }

func textOf(m Message) string {
	if m.Close != nil {
		return "close"
	}
	f := m.Frame
	switch f[1] {
	case 126:
		return string(f[4:])
	case 127:
		return string(f[10:])
	}
	return string(f[2:])
}

func room(name string) Topic { return Topic{Route: "/rooms/:room", Kind: Room, Name: name} }

func kept(name string) Topic {
	return Topic{Route: "/rooms/:room", Kind: Room, Name: name, Size: 100_000, TTL: time.Minute}
}
