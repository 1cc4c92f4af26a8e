package redistest

import (
	"net"
	"sync"
	"testing"
	"time"
)

// Proxy stands between a node and Redis, with a real socket on each side: it can
// cut, and be slow.
type Proxy struct {
	ln net.Listener
	to string

	mu    sync.Mutex
	conns map[net.Conn]bool
	shut  bool
	delay time.Duration
	wait  sync.WaitGroup
}

// StartProxy starts a proxy to an address.
func StartProxy(t testing.TB, to string) *Proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &Proxy{ln: ln, to: to, conns: map[net.Conn]bool{}}
	p.wait.Go(p.accept)
	t.Cleanup(func() {
		ln.Close()
		p.Cut(true)
		p.wait.Wait()
	})
	return p
}

// URL is redis:// and the address.
func (p *Proxy) URL() string { return "redis://" + p.ln.Addr().String() }

func (p *Proxy) accept() {
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

func (p *Proxy) pipe(from, to net.Conn) {
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

// Cut ends all connections; shut refuses new ones.
func (p *Proxy) Cut(shut bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = shut
	for c := range p.conns {
		c.Close()
	}
}

// Open takes new connections again.
func (p *Proxy) Open() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.shut = false
}

// Slow has everything take so much longer, each way.
func (p *Proxy) Slow(d time.Duration) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.delay = d
}
