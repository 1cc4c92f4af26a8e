package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"iter"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
)

// browserPatience is longer than patience: a browser on a busy machine takes
// its time to start.
const browserPatience = time.Minute

// TestTwoTabsChat opens the playground in two tabs of a browser, which see
// each other and talk.
func TestTwoTabsChat(t *testing.T) {
	chromium := findChromium(t)
	url := servePlayground(t, buildPlugin(t, "chat"))
	ctx := startBrowser(t, chromium)

	alice := openTab(t, ctx, url, "alice")
	bob := openTab(t, ctx, url, "bob")
	alice.waitFor("both are online", `[...document.querySelectorAll('#online li')].map(e => e.textContent).join() === 'alice,bob'`)
	bob.waitFor("both are online", `[...document.querySelectorAll('#online li')].map(e => e.textContent).join() === 'alice,bob'`)

	// What looks like HTML is text, for the one who writes and who reads.
	const text = `hi <img src=x onerror="document.title='broken'">`
	alice.say(text)
	for _, tab := range []*tab{alice, bob} {
		tab.waitFor("alice's message", fmt.Sprintf(`[...document.querySelectorAll('#messages li')].some(e => e.textContent.startsWith('alice') && e.textContent.endsWith(%q))`, text))
	}
	bob.say("hello alice")
	alice.waitFor("bob's answer", `document.querySelector('#messages li:last-child').textContent.endsWith('hello alice')`)
	alice.waitFor("her own messages on her side", `document.querySelectorAll('#messages li.own').length === 1`)

	// Raw frames, both ways.
	alice.waitFor("the frame out", `[...document.querySelectorAll('#frames li.out .data')].some(e => e.textContent.includes('"type":"message"'))`)
	alice.waitFor("the frame in", `[...document.querySelectorAll('#frames li.in .data')].some(e => e.textContent.includes('hello alice'))`)
	alice.run(
		chromedp.SendKeys("#payload", `{"type":"ping"}`),
		chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
	)
	alice.waitFor("the pong", `[...document.querySelectorAll('#frames li.in .data')].some(e => e.textContent === '{"type":"pong"}')`)

	// Bob leaves, and alice sees it.
	bob.run(chromedp.Click("#toggle"))
	bob.waitFor("the close", `document.querySelector('#state').textContent.startsWith('closed: 1000')`)
	alice.waitFor("bob's leave", `[...document.querySelectorAll('#online li')].map(e => e.textContent).join() === 'alice'`)

	for _, tab := range []*tab{alice, bob} {
		tab.waitFor("no script from a message", `document.title === 'azuhost playground'`)
		if errs := tab.errors(); len(errs) > 0 {
			t.Errorf("the browser complains in %s's tab: %q", tab.name, errs)
		}
	}
}

func findChromium(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"chromium", "chromium-browser", "google-chrome", "chrome"} {
		if path, err := exec.LookPath(name); err == nil {
			return path
		}
	}
	t.Skip("no Chromium here: install chromium, or google-chrome, to run this test")
	return ""
}

// buildPlugin builds one of the ready-made plugins.
func buildPlugin(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "../../plugins/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build plugin %s: %v\n%s", name, err, text)
	}
	return out
}

// servePlayground serves the chat plugin and the playground until the end of
// the test, and returns the page's URL.
func servePlayground(t *testing.T, plugin string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &addressLog{found: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"serve", "--route", "/chat=" + plugin, "--playground", "--listen", "127.0.0.1:0", "--internal=", "--log-format", "json",
		}, strings.NewReader(""), &bytes.Buffer{}, log, []string{"AZUHOST_DEFAULTS_PRESENCE_GRACE=0"})
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("serve ended with %d:\n%s", code, log)
		}
	})
	select {
	case addr := <-log.found:
		return "http://" + addr + "/"
	case code := <-ended:
		ended <- code
		t.Fatalf("serve ended with %d:\n%s", code, log)
	case <-time.After(patience):
		t.Fatalf("serve does not listen:\n%s", log)
	}
	return ""
}

// addressLog finds the public address in the log, which it keeps.
type addressLog struct {
	found chan string

	mu   sync.Mutex
	text bytes.Buffer
}

func (l *addressLog) Write(p []byte) (int, error) {
	var line struct{ Msg, Address string }
	if json.Unmarshal(p, &line) == nil && line.Msg == "listening" {
		l.found <- line.Address
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *addressLog) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// startBrowser starts a browser, whose first tab stays empty.
func startBrowser(t *testing.T, path string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserPatience)
	ctx, stop := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		// The browser has to be gone before its folder is removed.
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

// tab is a tab of the browser with the playground in it.
type tab struct {
	t    *testing.T
	ctx  context.Context
	name string

	console iter.Seq2[chromedp.ConsoleMessage, error]
}

// openTab opens the page, connects to the chat as name and waits to be in the
// room.
func openTab(t *testing.T, browser context.Context, url, name string) *tab {
	t.Helper()
	ctx, cancel := chromedp.NewContext(browser)
	t.Cleanup(cancel)
	tb := &tab{t: t, ctx: ctx, name: name, console: chromedp.Console(ctx)}
	tb.run(
		chromedp.Navigate(url),
		chromedp.WaitReady(`#channel option[value="/chat"]`),
		chromedp.SetValue("#name", name),
		chromedp.Click("#toggle"),
	)
	tb.waitFor("the connection", `document.querySelector('#state').dataset.state === 'open'`)
	tb.waitFor("the room", `!document.querySelector('#text').disabled`)
	return tb
}

// errors lists what the browser complained about so far: exceptions, and what
// the page's policy refused.
func (tb *tab) errors() []string {
	const end = "that was all"
	if _, err := chromedp.Run(tb.ctx, chromedp.Evaluate[any](fmt.Sprintf("console.log(%q)", end))); err != nil {
		tb.t.Fatalf("%s's tab: %v", tb.name, err)
	}
	var out []string
	for m, err := range tb.console {
		if err != nil {
			tb.t.Fatalf("%s's tab: console: %v", tb.name, err)
		}
		if m.Text == end {
			break
		}
		if m.IsException() || m.Type == "error" || m.Type == "warning" {
			out = append(out, m.String())
		}
	}
	return out
}

func (tb *tab) run(actions ...chromedp.Action[chromedp.Void]) {
	tb.t.Helper()
	if err := chromedp.Do(tb.ctx, actions...); err != nil {
		tb.t.Fatalf("%s's tab: %v", tb.name, err)
	}
}

func (tb *tab) say(text string) {
	tb.t.Helper()
	tb.run(chromedp.SendKeys("#text", text+"\r"))
}

// waitFor waits until a JavaScript expression is true.
func (tb *tab) waitFor(what, expression string) {
	tb.t.Helper()
	_, err := chromedp.Run(tb.ctx, chromedp.Poll[bool](expression,
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(patience)))
	if err != nil {
		frames, _ := chromedp.Run(tb.ctx, chromedp.Text("#frames"))
		tb.t.Fatalf("%s's tab: %s: %v\n%s", tb.name, what, err, frames)
	}
}
