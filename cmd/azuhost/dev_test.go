package main

import (
	"bufio"
	"bytes"
	"context"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"

	"github.com/azuhost/azuhost/cmd/azuhost/internal/config"
	"github.com/azuhost/azuhost/cmd/azuhost/internal/script/scripttest"
	"github.com/azuhost/azuhost/host"
)

// shouter returns the source of a plugin that answers in capitals. suffix is the end of the source.
func shouter(suffix string) string {
	return `import type { Channel } from "azuhost";
import { mark } from "./mark";
console.log("here is", mark);
export default {
  onMessage(conn, message) {
    if (message === "fail") throw new Error("on request");
    conn.send(String(message).toUpperCase() + mark);
  },
} satisfies Channel;
` + suffix
}

// TestDev edits a plugin while a client is connected. The new version answers the next message, after a failed build
// the previous version keeps running, and the playground shows the errors.
func TestDev(t *testing.T) {
	quickJS, err := scripttest.Runtime()
	if err != nil {
		t.Skip(err)
	}
	dir := t.TempDir()
	file, mark := filepath.Join(dir, "shout.ts"), filepath.Join(dir, "mark.ts")
	edit(t, file, shouter(""))
	edit(t, mark, `export const mark = "!";`)
	out, address := startDev(t, []string{"AZUHOST_JS_RUNTIME=" + quickJS}, file)

	events := follow(t, "http://"+address+"/playground/events")
	ask := dialDev(t, address, "shout")
	if got := ask("hi"); got != "HI!" {
		t.Fatalf("got %q", got)
	}
	ask("fail")
	events.waitFor("Error: on request", "onMessage (shout.ts:6)")

	edit(t, file, shouter("}"))
	events.waitFor("does not build", "shout.ts:10:", "the previous version keeps running")
	if got := ask("hi"); got != "HI!" {
		t.Errorf("after a build that failed: %q", got)
	}

	edit(t, file, shouter(""))
	edit(t, mark, `export const mark = "?";`) // imported files are watched, too
	for end := time.Now().Add(testTimeout); ; {
		if got := ask("hi"); got == "HI?" {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("no new version:\n%s", out)
		}
		time.Sleep(20 * time.Millisecond)
	}
	events.waitFor("here is ?")
	if !strings.Contains(out.String(), "here is ?") {
		t.Errorf("the log of the plugin is not on the terminal:\n%s", out)
	}
}

// TestDevListen: the default address is on loopback. The file, a variable and a flag override it.
func TestDevListen(t *testing.T) {
	t.Chdir(t.TempDir())
	edit(t, "other.yaml", "listen: :5000")
	for _, c := range []struct {
		file, env, flag, want string
	}{
		{want: "127.0.0.1:4000"},
		{file: "other.yaml", want: ":5000"},
		{env: "AZUHOST_LISTEN=:6000", want: ":6000"},
		{flag: ":7000", want: ":7000"},
	} {
		src := &configSource{proc: &process{env: []string{c.env}, stderr: io.Discard}, file: c.file}
		if c.flag != "" {
			src.set = []config.Setting{{Key: "listen", Text: c.flag}}
		}
		src.enableDev()
		cfg, _, _ := src.load() // an error: nothing is built
		if cfg.Listen != c.want || !cfg.Playground {
			t.Errorf("%+v: listen %s, playground %v", c, cfg.Listen, cfg.Playground)
		}
	}
}

// TestDevOrigins: pages of this machine may connect on any port, unless the configuration has origins.
func TestDevOrigins(t *testing.T) {
	t.Chdir(t.TempDir())
	edit(t, "other.yaml", "allowed_origins: [https://app.example.com]")
	for file, want := range map[string][]string{
		"": strings.Split(devOrigins, ","), "other.yaml": {"https://app.example.com"},
	} {
		src := &configSource{proc: &process{stderr: io.Discard}, file: file}
		src.enableDev()
		cfg, _, _ := src.load() // an error: nothing is built
		if !slices.Equal(cfg.AllowedOrigins, want) {
			t.Errorf("%q: origins %q, want %q", file, cfg.AllowedOrigins, want)
		}
		for _, o := range cfg.AllowedOrigins {
			if err := host.CheckAllowedOrigin(o); err != nil {
				t.Error(err)
			}
		}
	}
}

// edit writes text to a file.
func edit(t *testing.T, file, text string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// buildTimeout bounds the time that tests wait for a build on a busy machine.
const buildTimeout = 6 * testTimeout

// dialDev connects to a plugin. ask sends a message and returns the next one that is received.
func dialDev(t *testing.T, address, plugin string) (ask func(text string) string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 3*buildTimeout)
	t.Cleanup(cancel)
	c, _, err := websocket.Dial(ctx, "ws://"+address+"/"+plugin, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.CloseNow() })
	return func(text string) string {
		t.Helper()
		if err := c.Write(ctx, websocket.MessageText, []byte(text)); err != nil {
			t.Fatal(err)
		}
		_, answer, err := c.Read(ctx)
		if err != nil {
			t.Fatal(err)
		}
		return string(answer)
	}
}

// startDev runs azuhost dev until the end of the test. It returns when it listens.
func startDev(t *testing.T, env []string, path string) (out *sharedBuffer, address string) {
	t.Helper()
	out, waitFor := runDev(t, env, path)
	return out, waitFor(`listening \(address=(\S+)`)
}

// runDev runs azuhost dev until the end of the test. waitFor waits until its output matches a pattern and returns the
// last group of the match.
func runDev(t *testing.T, env []string, path string) (out *sharedBuffer, waitFor func(pattern string) string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	out = &sharedBuffer{}
	ended := make(chan int, 1)
	env = append(slices.Clone(env), "AZUHOST_DEFAULTS_LIMITS_DEADLINE=10s")
	go func() {
		ended <- run(ctx, []string{
			"dev", path, "--script-timeout", "1m", "--listen", "127.0.0.1:0", "--internal=", "--cache-dir=",
		}, strings.NewReader(""), &bytes.Buffer{}, out, env)
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != exitOK {
			t.Errorf("dev ended with %d:\n%s", code, out)
		}
	})
	return out, func(pattern string) string {
		t.Helper()
		re := regexp.MustCompile(pattern)
		for end := time.Now().Add(buildTimeout); time.Now().Before(end); time.Sleep(10 * time.Millisecond) {
			select {
			case code := <-ended:
				ended <- code
				t.Fatalf("dev ended with %d:\n%s", code, out)
			default:
			}
			if m := re.FindStringSubmatch(out.String()); m != nil {
				return m[len(m)-1]
			}
		}
		t.Fatalf("the output does not match %s:\n%s", pattern, out)
		return ""
	}
}

// stream collects the events of the playground.
type stream struct {
	t     *testing.T
	lines chan string
	all   strings.Builder
}

// follow reads the events at url until the end of the test.
func follow(t *testing.T, url string) *stream {
	t.Helper()
	res, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	if res.StatusCode != http.StatusOK {
		t.Fatalf("%s: %s", url, res.Status)
	}
	s := &stream{t: t, lines: make(chan string, 1000)}
	var reading sync.WaitGroup
	reading.Go(func() {
		for lines := bufio.NewScanner(res.Body); lines.Scan(); {
			s.lines <- lines.Text()
		}
	})
	t.Cleanup(func() {
		_ = res.Body.Close()
		reading.Wait()
		http.DefaultClient.CloseIdleConnections()
	})
	return s
}

// forget makes waitFor ignore the events that it has read so far.
func (s *stream) forget() { s.all.Reset() }

// waitFor reads events until they contain all texts.
func (s *stream) waitFor(texts ...string) {
	s.t.Helper()
	end := time.After(buildTimeout)
	for _, text := range texts {
		for !strings.Contains(s.all.String(), text) {
			select {
			case line := <-s.lines:
				s.all.WriteString(line + "\n")
			case <-end:
				s.t.Fatalf("no %q in\n%s", text, s.all.String())
			}
		}
	}
}

// sharedBuffer is a buffer that may be used concurrently.
type sharedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *sharedBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *sharedBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
