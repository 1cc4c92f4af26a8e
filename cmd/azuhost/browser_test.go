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

// browserTimeout is longer than testTimeout, because a browser starts slowly on a busy machine.
const browserTimeout = time.Minute

// TestChatInBrowser opens the playground in two tabs of a browser and exchanges messages between them.
func TestChatInBrowser(t *testing.T) {
	chromium := findChromium(t)
	url := servePlayground(t, buildGoPlugin(t, "chat"))
	ctx := startBrowser(t, chromium)

	alice := openTab(t, ctx, url, "alice")
	bob := openTab(t, ctx, url, "bob")
	const online = `[...document.querySelectorAll('#online li')].map(e => e.textContent).join()`
	alice.waitFor("both are online", online+` === 'alice,bob'`)
	bob.waitFor("both are online", online+` === 'alice,bob'`)

	// HTML in a message is shown as text, to the sender and to the receiver.
	const text = `hi <img src=x onerror="document.title='broken'">`
	alice.send(text)
	for _, tab := range []*tab{alice, bob} {
		tab.waitFor("alice's message", fmt.Sprintf(`[...document.querySelectorAll('#messages li')]
			.some(e => e.textContent.startsWith('alice') && e.textContent.endsWith(%q))`, text))
	}
	bob.send("hello alice")
	alice.waitFor("bob's answer", `document.querySelector('#messages li:last-child').textContent.endsWith('hello alice')`)
	alice.waitFor("her own messages on her side", `document.querySelectorAll('#messages li.own').length === 1`)

	// Frames in both directions are shown, and a frame can be sent.
	const outgoing, incoming = `[...document.querySelectorAll('#frames li.out .data')]`,
		`[...document.querySelectorAll('#frames li.in .data')]`
	alice.waitFor("the outgoing frame", outgoing+`.some(e => e.textContent.includes('"type":"message"'))`)
	alice.waitFor("the incoming frame", incoming+`.some(e => e.textContent.includes('hello alice'))`)
	alice.run(
		chromedp.SendKeys("#payload", `{"type":"ping"}`),
		chromedp.KeyEvent("\r", chromedp.KeyModifiers(chromedp.ModifierCtrl)),
	)
	alice.waitFor("the pong", incoming+`.some(e => e.textContent === '{"type":"pong"}')`)

	// When bob disconnects, alice sees it.
	bob.run(chromedp.Click("#toggle"))
	bob.waitFor("the close", `document.querySelector('#state').textContent.startsWith('closed: 1000')`)
	alice.waitFor("that bob is offline", online+` === 'alice'`)

	for _, tab := range []*tab{alice, bob} {
		tab.waitFor("no script from a message", `document.title === 'azuhost playground'`)
		if errs := tab.errors(); len(errs) > 0 {
			t.Errorf("errors in %s's tab: %q", tab.name, errs)
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
	t.Skip("no Chromium found: install chromium or google-chrome to run this test")
	return ""
}

// buildGoPlugin builds a plugin of the folder plugins and returns its file.
func buildGoPlugin(t *testing.T, name string) string {
	t.Helper()
	out := filepath.Join(t.TempDir(), name+".wasm")
	cmd := exec.Command("go", "build", "-buildmode=c-shared", "-o", out, "../../plugins/"+name)
	cmd.Env = append(os.Environ(), "GOOS=wasip1", "GOARCH=wasm")
	if text, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("build plugin %s: %v\n%s", name, err, text)
	}
	return out
}

// servePlayground serves a plugin at /chat, and the playground, until the end of the test. It returns the URL of the
// playground.
func servePlayground(t *testing.T, plugin string) string {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	log := &addressLog{found: make(chan string, 1)}
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, []string{
			"serve", "--route", "/chat=" + plugin, "--playground",
			"--listen", "127.0.0.1:0", "--internal=", "--log-format", "json",
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
	case <-time.After(testTimeout):
		t.Fatalf("serve does not listen:\n%s", log)
	}
	return ""
}

// addressLog keeps a log and sends the public address in it to found.
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

// startBrowser starts a browser for the time of the test. Its first tab stays empty.
func startBrowser(t *testing.T, path string) context.Context {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), browserTimeout)
	ctx, stop := chromedp.NewExecAllocator(ctx,
		chromedp.ExecPath(path), chromedp.UserDataDir(t.TempDir()),
		chromedp.Headless, chromedp.NoSandbox, chromedp.DisableGPU, chromedp.NoFirstRun,
		chromedp.Flag("disable-quic", true), chromedp.Flag("disable-background-networking", true),
		chromedp.Flag("disable-component-update", true), chromedp.Flag("disable-sync", true),
	)
	ctx, closeBrowser := chromedp.NewContext(ctx)
	t.Cleanup(func() {
		// The browser must end before its folder is removed.
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

// tab is a tab of the browser that shows the playground.
type tab struct {
	t    *testing.T
	ctx  context.Context
	name string

	console iter.Seq2[chromedp.ConsoleMessage, error]
}

// openTab opens the playground, connects to the chat as name and waits until it is in the room.
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

// errors returns the exceptions, errors and warnings of the browser's console so far, such as violations of the page's
// content security policy.
func (tb *tab) errors() []string {
	const end = "end of the console"
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

// send sends a message of the chat.
func (tb *tab) send(text string) {
	tb.t.Helper()
	tb.run(chromedp.SendKeys("#text", text+"\r"))
}

// waitFor waits until a JavaScript expression is true.
func (tb *tab) waitFor(what, expression string) {
	tb.t.Helper()
	_, err := chromedp.Run(tb.ctx, chromedp.Poll[bool](expression,
		chromedp.WithPollingInterval(20*time.Millisecond), chromedp.WithPollingTimeout(testTimeout)))
	if err != nil {
		frames, _ := chromedp.Run(tb.ctx, chromedp.Text("#frames"))
		tb.t.Fatalf("%s's tab: %s: %v\n%s", tb.name, what, err, frames)
	}
}
