package js

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/coder/websocket"
)

// patience bounds the wait for what happens soon, on a busy machine.
const patience = 30 * time.Second

// TestBrowser opens a page that reads a busy room over connections that are cut,
// and that connects to a server without azuhost.v1.
func TestBrowser(t *testing.T) {
	chromium := findChromium(t)
	bin, plugins := build(t, "rooms")

	plain := httptest.NewServer(http.HandlerFunc(echo))
	defer plain.Close()
	page := httptest.NewServer(http.FileServer(http.Dir("dist")))
	defer page.Close()
	address := serve(t, bin, plugins+"/rooms.wasm", page.URL)
	link := newProxy(t, address)

	ctx := startBrowser(t, chromium)
	do := func(expression string) {
		t.Helper()
		if _, err := chromedp.Run(ctx, chromedp.Evaluate[any](expression)); err != nil {
			t.Fatalf("%s: %v", expression, err)
		}
	}
	waitFor := func(expression string) {
		t.Helper()
		_, err := chromedp.Run(ctx, chromedp.Poll[bool](expression,
			chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience)))
		if err != nil {
			state, _ := chromedp.Run(ctx, chromedp.Evaluate[string]("JSON.stringify(window.seen ?? null)"))
			t.Fatalf("%s: %v\n%s", expression, err, state)
		}
	}
	if err := chromedp.Do(ctx, chromedp.Navigate(page.URL+"/")); err != nil {
		t.Fatal(err)
	}
	do(`new Promise((resolve, reject) => {
		const s = document.createElement('script');
		s.src = '/azuhost.min.js';
		s.onload = resolve;
		s.onerror = reject;
		document.head.append(s);
	}); 0`)
	waitFor(`!!window.azuhost`)

	const total = 500
	do(fmt.Sprintf(`
		window.seen = { got: [], lost: 0, recovered: 0, opens: 0 };
		window.reader = new azuhost.Client('ws://%s/rooms/page', { minDelay: 10 });
		window.writer = new azuhost.Client('ws://%s/rooms/page');
		reader.on('open', () => seen.opens++);
		reader.on('message', (m) => seen.got.push(Number(m.data)));
		reader.on('recovered', (r) => r.recovered ? (seen.recovered += r.count) : seen.lost++);
		let n = 0;
		const next = () => { for (let i = 0; i < 5 && n < %d; i++) writer.send(String(++n)); };
		writer.on('message', (m) => Number(m.data) === n && setTimeout(next, 5));
		Promise.all([reader.connect(), writer.connect()]).then(next); 0`, link.address, address, total))
	for cuts := range 5 {
		waitFor(fmt.Sprintf(`seen.got.length >= %d && reader.state === 'open'`, (cuts+1)*50))
		link.cut()
	}
	waitFor(fmt.Sprintf(`seen.got.at(-1) === %d`, total))
	waitFor(fmt.Sprintf(`seen.got.length === %d && seen.got.every((n, i) => n === i + 1)`, total))
	waitFor(`seen.lost === 0 && seen.recovered > 0 && seen.opens > 3`)
	do(`window.ended = 0; reader.close().then(() => ended++); writer.close().then(() => ended++); 0`)
	waitFor(`ended === 2 && reader.state === 'closed'`)

	do(fmt.Sprintf(`
		window.seen = [];
		window.plain = new azuhost.Client(%q, { minDelay: 10 });
		plain.on('open', (o) => seen.push('open ' + o.protocol));
		plain.on('message', (m) => seen.push(m.data));
		plain.send('hello');
		plain.connect(); 0`, plain.URL))
	waitFor(`seen.join() === 'open ,hello'`)
	do(`plain.close(); 0`)
}

// echo serves plain WebSockets.
func echo(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, &websocket.AcceptOptions{InsecureSkipVerify: true})
	if err != nil {
		return
	}
	defer c.CloseNow()
	for {
		kind, p, err := c.Read(r.Context())
		if err != nil || c.Write(r.Context(), kind, p) != nil {
			return
		}
	}
}

// serve starts azuhost with one plugin at /rooms/:room_id until the end of the
// test. It returns its address.
func serve(t *testing.T, bin, plugin, origin string) string {
	t.Helper()
	cmd := exec.Command(bin, "serve", "--route", "/rooms/:room_id="+plugin, "--listen", "127.0.0.1:0", "--internal=",
		"--log-format", "json", "--allowed-origins", origin, "--watch=false", "--state-dir=")
	cmd.Env = append(os.Environ(), "AZUHOST_DEFAULTS_HISTORY_SIZE=1000", "AZUHOST_DRAIN_SPREAD=0")
	stderr, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	found := make(chan string, 1)
	log := make(chan string, 1)
	go func() {
		var all strings.Builder
		for lines := bufio.NewScanner(stderr); lines.Scan(); {
			var line struct{ Msg, Address string }
			if json.Unmarshal(lines.Bytes(), &line) == nil && line.Msg == "listening" {
				found <- line.Address
			}
			all.WriteString(lines.Text() + "\n")
		}
		log <- all.String()
	}()
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM)
		text := <-log
		if err := cmd.Wait(); err != nil {
			t.Errorf("azuhost: %v\n%s", err, text)
		}
	})
	select {
	case address := <-found:
		return address
	case text := <-log:
		log <- text
		t.Fatal("azuhost does not listen")
	case <-time.After(patience):
		t.Fatal("azuhost does not listen")
	}
	return ""
}

// proxy forwards connections to an address, and can cut them.
type proxy struct {
	address string

	mu    sync.Mutex
	conns []net.Conn
}

func newProxy(t *testing.T, to string) *proxy {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	p := &proxy{address: ln.Addr().String()}
	var running sync.WaitGroup
	running.Go(func() {
		for {
			down, err := ln.Accept()
			if err != nil {
				return
			}
			up, err := net.Dial("tcp", to)
			if err != nil {
				_ = down.Close()
				continue
			}
			p.mu.Lock()
			p.conns = append(p.conns, down, up)
			p.mu.Unlock()
			for _, pair := range [][2]net.Conn{{down, up}, {up, down}} {
				running.Go(func() {
					_, _ = io.Copy(pair[0], pair[1])
					_ = down.Close()
					_ = up.Close()
				})
			}
		}
	})
	t.Cleanup(func() {
		_ = ln.Close()
		p.cut()
		running.Wait()
	})
	return p
}

// cut ends all connections.
func (p *proxy) cut() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, c := range p.conns {
		_ = c.Close()
	}
	p.conns = nil
}

func findChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium: install chromium or google-chrome to run this test")
	return ""
}

// startBrowser starts a browser with one tab.
func startBrowser(t *testing.T, path string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 4*patience)
	ctx, stop := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-background-networking", true), chromedp.Flag("disable-component-update", true),
		chromedp.Flag("disable-sync", true),
	)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		// The browser has to end before its folder is removed.
		if err := chromedp.Cancel(ctx); err != nil && ctx.Err() == nil {
			t.Errorf("close the browser: %v", err)
		}
		closeBrowser()
		stop()
		cancel()
	})
	if err := chromedp.Do(ctx); err != nil {
		t.Fatalf("start %s: %v", path, err)
	}
	return ctx
}
